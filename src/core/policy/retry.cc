#include "core/policy/retry.h"

#include <algorithm>
#include <limits>

namespace llmq::core {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr DurationNs kMostSpread = seconds(30);

}  // namespace

uint8_t retry_class(Status status) {
  switch (status) {
    case Status::kRateLimited:
      return 1;
    case Status::kOverloaded:
      return 2;
    case Status::kServer:
      return 4;
    case Status::kTransport:
      return 8;
    case Status::kTimeout:
      return 16;
    default:
      return 0;
  }
}

bool is_transient(Status status) { return retry_class(status) != 0; }

std::optional<DurationNs> retry_delay(const RetrySpec& spec, Status status, int attempts,
                                      int max_attempts, DurationNs retry_after,
                                      uint32_t& backoff_ms, Random& random) {
  if ((retry_class(status) & spec.on) == 0 || attempts >= max_attempts) return std::nullopt;
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
