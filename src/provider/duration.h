// Lengths of time as providers write them.
#ifndef LLMQ_PROVIDER_DURATION_H_
#define LLMQ_PROVIDER_DURATION_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace llmq::provider {

inline constexpr int64_t kNsPerMs = 1'000'000;
inline constexpr int64_t kNsPerSecond = 1'000'000'000;

// What is longer counts as that long: a year, less than the clock could bear.
inline constexpr int64_t kLongestDurationNs = 366 * 86'400 * kNsPerSecond;

// At the front of `text`, which keeps what follows: 23.03s, 1m30.5s, 6ms, 33 seconds; a number
// without a unit counts `bare_unit_ns`. In ns; nothing if no number is there.
std::optional<int64_t> take_duration(std::string_view& text, int64_t bare_unit_ns);

// The same for a text that is one, blanks around it aside.
std::optional<int64_t> read_duration(std::string_view text, int64_t bare_unit_ns);

}  // namespace llmq::provider

#endif  // LLMQ_PROVIDER_DURATION_H_
