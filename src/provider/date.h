// Points of the wall clock as providers write them.
#ifndef LLMQ_PROVIDER_DATE_H_
#define LLMQ_PROVIDER_DATE_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace llmq::provider {

// "Sun, 06 Nov 1994 08:49:37 GMT", the one form that RFC 9110 lets a server send. In unix ms.
std::optional<int64_t> read_http_date(std::string_view text);

// "2025-11-23T13:21:07Z", "2025-11-23T13:21:07.25+01:00" (RFC 3339). In unix ms.
std::optional<int64_t> read_rfc3339(std::string_view text);

}  // namespace llmq::provider

#endif  // LLMQ_PROVIDER_DATE_H_
