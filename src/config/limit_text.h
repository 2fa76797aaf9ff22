// The text form of limits:
// "requests=500/1m;tokens=30000/1m,charge=arrival,jitter=100ms;concurrency=8".
#ifndef LLMQ_CONFIG_LIMIT_TEXT_H_
#define LLMQ_CONFIG_LIMIT_TEXT_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/value.h"

namespace llmq::config {

inline constexpr core::DurationNs kLeastPeriod = core::seconds(1);
inline constexpr core::DurationNs kGreatestPeriod = core::seconds(31 * 24 * 3600);

core::Result<LimitEntry> parse_limit_entry(std::string_view text, std::string_view what);
// One or more, separated by ';'. Two of the same kind and period contradict each other.
core::Result<std::vector<LimitEntry>> parse_limits(std::string_view text, std::string_view what);

// What two texts of limits amount to if those of `changes` take the place of those of `text` that
// count the same. Both have been accepted by parse_limits(); `text` may be empty.
std::string merged_limits(std::string_view text, std::string_view changes);

// "requests", ...; nullopt if there is no such kind.
std::optional<core::LimitKind> limit_kind(std::string_view name);
// Is what a call counts known only when it has ended?
bool counts_usage(core::LimitKind kind);

// Are they equal in everything? Whether both count the same: core::is_same_limit.
bool same_limit(const core::LimitSpec& a, const core::LimitSpec& b);
bool same_limits(const std::vector<core::LimitSpec>& a, const std::vector<core::LimitSpec>& b);

// An amount as the kind has them: "12.5" for cost.
std::string amount_text(core::LimitKind kind, int64_t amount);

// Amount and period as every form of a limit must have them; fills in the default jitter.
core::Result<LimitEntry> make_limit(core::LimitKind kind, int64_t amount, core::DurationNs period,
                                    std::string_view what);

}  // namespace llmq::config

#endif  // LLMQ_CONFIG_LIMIT_TEXT_H_
