// What config must know of a base URL: is it one, and may a key travel to it.
#ifndef LLMQ_CONFIG_URL_H_
#define LLMQ_CONFIG_URL_H_

#include <string_view>

namespace llmq::config {

// nullptr if `url` is http(s)://host[:port][/path] without user, query or fragment; else what is wrong with it.
const char* base_url_fault(std::string_view url);

// Of a faultless base URL.
bool is_https(std::string_view url);
bool is_loopback(std::string_view url);  // localhost, 127.0.0.0/8, [::1]

}  // namespace llmq::config

#endif  // LLMQ_CONFIG_URL_H_
