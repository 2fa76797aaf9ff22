// Headers as they came: any order, any case, names more than once.
#ifndef LLMQ_PROVIDER_HEADERS_H_
#define LLMQ_PROVIDER_HEADERS_H_

#include <string_view>
#include <vector>

#include "provider/provider.h"
#include "provider/text.h"

namespace llmq::provider {

// The first value of that name; "" if there is none.
inline std::string_view header_of(const std::vector<Header>& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (equal_ignoring_case(key, name)) return value;
  }
  return {};
}

}  // namespace llmq::provider

#endif  // LLMQ_PROVIDER_HEADERS_H_
