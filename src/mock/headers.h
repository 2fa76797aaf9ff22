// The header lines of OpenAI's replies that speak of limits.
#ifndef LLMQ_MOCK_HEADERS_H_
#define LLMQ_MOCK_HEADERS_H_

#include <string>
#include <utility>
#include <vector>

#include "mock/account.h"

namespace llmq::mock {

using Headers = std::vector<std::pair<std::string, std::string>>;

// As Go prints durations, to the millisecond, rounded up: "0s", "120ms", "8.64s", "6m0s", "1h0m0s".
std::string format_go_duration(Nanos span);

// Retry-After in whole seconds and retry-after-ms, both rounded up, so that obeying either is
// enough.
void add_retry_after(Headers& headers, Nanos wait);

// x-ratelimit-{limit,remaining,reset}-{requests,tokens}, of the limits that there are.
void add_rate_limits(Headers& headers, const Account& account, Nanos now);

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_HEADERS_H_
