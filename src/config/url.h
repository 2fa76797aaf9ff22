// What config must know of a base URL: is it one.
#ifndef LLMQ_CONFIG_URL_H_
#define LLMQ_CONFIG_URL_H_

#include <string_view>

namespace llmq::config {

// nullptr if `url` is http(s)://host[:port][/path] without user, query or fragment; else what is
// wrong with it.
const char* base_url_fault(std::string_view url);

}  // namespace llmq::config

#endif  // LLMQ_CONFIG_URL_H_
