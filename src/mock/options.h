// What the mock provider is told to be, and the texts in which the program is told it.
#ifndef LLMQ_MOCK_OPTIONS_H_
#define LLMQ_MOCK_OPTIONS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mock/limit.h"
#include "mock/result.h"
#include "mock/units.h"

namespace llmq::mock {

// When token limits are charged, and how much. Requests are always charged on arrival.
enum class Charge {
  kArrivalInput,      // on arrival, the input: characters / 4
  kArrivalMaxTokens,  // on arrival, the input + max_tokens
  kCompletion,        // with the answer, the usage it reports
  kRealtime,          // on arrival, the input; the output as it is said, or with the whole answer
};

// What a 429 of a limit says of the wait.
enum class Hints {
  kBoth,    // the header lines that the provider has, and the words in the body (RetryInfo too)
  kHeader,  // only the header lines
  kBody,    // only the words, as in OpenAI's recorded 429s
  kNone,
  // One form alone, whether the provider has it or not:
  kSeconds,  // Retry-After: 2
  kFloat,    // Retry-After: 1.234
  kMs,       // retry-after-ms: 1234
  kDate,     // Retry-After: Wed, 25 Nov 2026 21:39:40 GMT
};

const char* name_of(Charge charge);
const char* name_of(Hints hints);

// Longer answers would be measured as memory, not as a provider.
constexpr int64_t kMaxOutputTokens = 1'000'000;
constexpr int64_t kMaxHeaderLag = 10'000;
constexpr int64_t kMaxTokensPerS = 1'000'000'000;

struct Options {
  uint16_t port = 0;  // on 127.0.0.1; 0 = a free one
  std::vector<LimitSpec> limits;
  Charge charge = Charge::kArrivalMaxTokens;
  // Whose errors and header lines OpenAI's wire form has; the other forms have their own.
  std::string provider = "openai";
  bool headers = true;       // those that speak of limits
  int64_t header_lag = 0;    // they are those of so many replies ago
  double wrong_headers = 0;  // share of the replies whose header lines are untrue
  double other_users = 0;    // share of each limit that other users of the same key ask for
  int64_t quota_after = 0;   // calls accepted before the money is gone; 0 = never
  Hints hints = Hints::kBoth;

  // Between acceptance and answer, uniform.
  Nanos latency_min{};
  Nanos latency_max{};

  // Shares of the arrivals, each in [0, 1], together at most 1.
  double fail_server = 0;             // 500
  double fail_overloaded = 0;         // 503
  double fail_rate_limited = 0;       // 429 with Retry-After
  double fail_rate_limited_bare = 0;  // 429 without
  double fail_reset = 0;              // the connection is reset instead of an answer
  double fail_hang = 0;               // accepted and never answered
  // Of calls that stream; the others are answered.
  double fail_stream_first = 0;  // an error is the only event
  double fail_stream_error = 0;  // an error event after some text
  double fail_stream_cut = 0;    // the connection breaks inside an event
  double fail_stream_end = 0;    // the body ends without its end marker
  double fail_stream_stall = 0;  // after some text, nothing more comes

  Nanos retry_after = std::chrono::seconds(1);  // of fail_rate_limited
  uint64_t seed = 1;                            // of latencies, faults, window phases, answers

  // Length of an answer, uniform; a request's max_tokens caps it.
  int64_t output_tokens_min = 16;
  int64_t output_tokens_max = 64;
  int64_t tokens_per_s = 0;  // how fast an answer is made, streamed or not; 0 = at once
  int64_t piece_tokens = 4;  // per event of a stream
};

// Why these options cannot be served; "" if they can.
std::string check_options(const Options& options);

// "requests=300/6s", "tokens=60000/6s,shape=bucket,burst=0.1,reset=amount",
// "requests=12/6s,shape=quantised,slice=1s,headers=bucket", "requests=300/6s,change=150@30s" (N
// becomes 150 half a minute after the first arrival), "concurrency=200". Shape is sliding
// unless given.
Result<LimitSpec> parse_limit(std::string_view text);
Result<Charge> parse_charge(std::string_view text);  // input, max_tokens, completion,
                                                     // realtime
// both, header, body, none, seconds, float, ms, date
Result<Hints> parse_hints(std::string_view text);
Result<Nanos> parse_span(std::string_view text);  // "20ms", "1.5s", "1m", "1d"; units us to d
// "20ms..80ms", or "20ms" for both ends.
Result<std::pair<Nanos, Nanos>> parse_span_range(std::string_view text);

// In the largest unit that leaves a whole number: "6s", "1m", "1500ms".
std::string format_span(Nanos span);
// "requests/6s", "concurrency".
std::string label_of(const LimitSpec& spec);

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_OPTIONS_H_
