// Headers that a configuration adds to calls: "Name: value", separated by |.
#ifndef LLMQ_CONFIG_HEADER_LIST_H_
#define LLMQ_CONFIG_HEADER_LIST_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace llmq::config {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

// Of a list that header_list_fault() finds nothing wrong with.
HeaderList parse_header_list(std::string_view text);

// What is wrong with a list; nullptr if nothing. Never says a value: it may be a secret.
const char* header_list_fault(std::string_view text);

// Does the header carry the key of one of the providers?
bool is_key_header(std::string_view name);

}  // namespace llmq::config

#endif  // LLMQ_CONFIG_HEADER_LIST_H_
