// Moments as HTTP and JSON write them.
#ifndef LLMQ_MOCK_TIMESTAMP_H_
#define LLMQ_MOCK_TIMESTAMP_H_

#include <cstdint>
#include <string>

namespace llmq::mock {

// "2026-11-25T21:39:40Z", to the second, cut.
std::string rfc3339(int64_t unix_ms);

// "Wed, 25 Nov 2026 21:39:40 GMT", to the second, cut.
std::string http_date(int64_t unix_ms);

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_TIMESTAMP_H_
