#include "mock/two_bucket.h"

namespace llmq::mock {

int64_t TwoBucket::index_of(Nanos now) const {
  return now < first_edge_ ? 0 : 1 + (now - first_edge_) / period_;
}

Nanos TwoBucket::edge_in(Nanos now) const { return first_edge_ + index_of(now) * period_ - now; }

TwoBucket::Counts TwoBucket::counts_at(Nanos now) const {
  const int64_t passed = index_of(now) - index_;
  if (passed == 0) return counts_;
  return {passed == 1 ? counts_.current : 0, 0};
}

int64_t TwoBucket::used(Nanos now) const {
  const Counts counts = counts_at(now);
  // As much of the window before is still covered as of this one is to come.
  const Wide before = static_cast<Wide>(counts.previous) * edge_in(now).count();
  return counts.current + static_cast<int64_t>(ceil_div(before, period_.count()));
}

bool TwoBucket::would_accept(Nanos now, int64_t cost) const { return used(now) + cost <= amount_; }

void TwoBucket::charge(Nanos now, int64_t cost) {
  counts_ = counts_at(now);
  index_ = index_of(now);
  counts_.current += cost;
}

Nanos TwoBucket::wait_for(Nanos now, int64_t cost) const {
  if (would_accept(now, cost)) return Nanos(0);
  const int64_t room = amount_ - cost;
  // How much of a window may be to come, if the one before it held `previous` and room is `free`.
  const auto most_to_come = [&](int64_t free, int64_t previous) {
    if (previous == 0) return period_;
    return Nanos(static_cast<int64_t>(static_cast<Wide>(free) * period_.count() / previous));
  };
  const Counts counts = counts_at(now);
  const Nanos edge = edge_in(now);
  if (counts.current <= room) return edge - most_to_come(room - counts.current, counts.previous);
  return edge + period_ - most_to_come(room, counts.current);
}

}  // namespace llmq::mock
