#include "core/limit/found_limits.h"

#include <algorithm>

#include "core/room.h"

namespace llmq::core {
namespace {

constexpr DurationNs kUsualPeriod = seconds(60);

LimitSpec spec_of(const LimitSpec& like, const Observation& shown, DurationNs period) {
  LimitSpec spec = like;
  spec.kind = shown.kind;
  spec.amount = std::min(shown.limit, kMaxLimitAmount - 1);
  spec.period = period;
  if (spec.jitter == kJitterOfPeriod) spec.jitter = default_jitter(period);
  return spec;
}

}  // namespace

Limit* FoundLimits::find(Limiter& limiter, const LimitSpec& like, const Prices& prices,
                         const Observation& shown) {
  const bool counts = shown.kind != LimitKind::kConcurrency && shown.kind != LimitKind::kCost;
  if (!counts || shown.limit <= 0) return nullptr;
  const DurationNs period = shown.period.ns > 0 ? shown.period : kUsualPeriod;
  make_room(found_, 1);
  Limit* const limit = limiter.add_found(spec_of(like, shown, period), prices);
  if (limit != nullptr) found_.push_back({limit, shown.period.ns > 0, {}});
  return limit;
}

Limit* FoundLimits::follow(TimeNs now, Limiter& limiter, Limit* limit, const Prices& prices,
                           const Observation& shown) {
  const auto found = std::find_if(found_.begin(), found_.end(),
                                  [limit](const Found& one) { return one.limit == limit; });
  if (found == found_.end()) return limit;
  LimitSpec spec = limit->spec();
  if (!found->period_told) {
    found->evidence.add(shown);
    const DurationNs period = found->evidence.period();
    if (period.ns > 0 && period != spec.period) {
      LimitSpec like = spec;
      if (like.jitter == default_jitter(spec.period)) like.jitter = kJitterOfPeriod;
      Limit* const other = limiter.add_found(spec_of(like, shown, period), prices);
      if (other == nullptr) return limit;
      limit->open_up(now);
      found->limit = other;
      found->period_told = true;
      return other;
    }
  }
  if (shown.limit > spec.amount && (shown.period.ns == 0 || shown.period == spec.period)) {
    spec.amount = std::min(shown.limit, kMaxLimitAmount - 1);
    limit->change(now, spec, prices);
  }
  return limit;
}

}  // namespace llmq::core
