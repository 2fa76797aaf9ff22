#include "core/policy/retry.h"

#include <algorithm>
#include <limits>

namespace llmq::core {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr DurationNs kMostSpread = seconds(30);

}  // namespace

bool is_transient(Status status) {
  switch (status) {
    case Status::kRateLimited:
    case Status::kOverloaded:
    case Status::kServer:
    case Status::kTransport:
    case Status::kTimeout:
      return true;
    default:
      return false;
  }
}

std::optional<DurationNs> retry_delay(const RetrySpec& spec, Status status, int attempts,
                                      int max_attempts, DurationNs retry_after,
                                      uint32_t& backoff_ms, Random& random) {
  if (!is_transient(status) || attempts >= max_attempts) return std::nullopt;
  const int64_t base_ms = spec.base.ns / kNsPerMs;
  const int64_t cap_ms = spec.cap.ns / kNsPerMs;
  const int64_t previous_ms = std::max<int64_t>(base_ms, backoff_ms);
  const int64_t delay_ms = std::min(cap_ms, random.between(base_ms, 3 * previous_ms));
  backoff_ms = static_cast<uint32_t>(delay_ms);
  DurationNs delay = milliseconds(delay_ms);
  if (retry_after.ns > 0) {
    const int64_t spread = std::min(retry_after.ns / 5, kMostSpread.ns);
    const int64_t least = std::max(delay.ns, retry_after.ns);
    const int64_t more = random.between(0, spread);
    delay.ns = least > std::numeric_limits<int64_t>::max() - more ? least : least + more;
  }
  return delay;
}

}  // namespace llmq::core
