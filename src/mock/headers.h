// The header lines in which providers speak of limits and of waits.
#ifndef LLMQ_MOCK_HEADERS_H_
#define LLMQ_MOCK_HEADERS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mock/account.h"

namespace llmq::mock {

using Headers = std::vector<std::pair<std::string, std::string>>;

// What a reply's header lines are made from.
struct LimitNews {
  const Account* account = nullptr;
  Nanos now{};
  int64_t unix_ms = 0;
  int status = 200;
  bool is_stream = false;
  std::optional<Usage> usage;  // of an answer that is told whole
};

// As Go prints durations, to the millisecond, rounded up: "0s", "120ms", "8.64s", "6m0s", "1h0m0s".
std::string format_go_duration(Nanos span);
// The same to the last digit: "172.799999ms", "7.44ms", "17.563999999s".
std::string format_go_nanos(Nanos span);
// Seconds with as many decimals as it takes, in whole units of `unit`, rounded up: "1.5".
std::string format_seconds(Nanos span, Nanos unit);

// Which lines a provider's refusals have of themselves.
enum class RetryLines { kNone, kSeconds, kSecondsAndMs };

// Retry-After in whole seconds, and retry-after-ms if the provider has it: both rounded up, so that
// obeying either is enough.
void add_retry_after(Headers& headers, Nanos wait, RetryLines lines);

// x-ratelimit-{limit,remaining,reset}-{requests,tokens}, of the limits that there are.
void tell_openai(Headers& headers, const LimitNews& news);
void tell_groq(Headers& headers, const LimitNews& news);
// Bare numbers: milliseconds, or seconds on Azure's other host.
void tell_azure(Headers& headers, const LimitNews& news);
void tell_azure_foundry(Headers& headers, const LimitNews& news);
void tell_xai(Headers& headers, const LimitNews& news);
void tell_anthropic(Headers& headers, const LimitNews& news);
void tell_mistral(Headers& headers, const LimitNews& news);
void tell_together(Headers& headers, const LimitNews& news);
void tell_fireworks(Headers& headers, const LimitNews& news);
void tell_openrouter(Headers& headers, const LimitNews& news);
void tell_cohere(Headers& headers, const LimitNews& news);
void tell_gemini(Headers& headers, const LimitNews& news);
void tell_nothing(Headers& headers, const LimitNews& news);

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_HEADERS_H_
