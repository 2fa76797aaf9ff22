#include "mock/other_users.h"

#include <algorithm>

namespace llmq::mock {

namespace {

constexpr int64_t kTicksPerPeriod = 100;
constexpr int64_t kPpm = 1'000'000;
// Of a limit that nobody looked at for long, only the latest periods can still matter.
constexpr int64_t kMostTicks = 10 * kTicksPerPeriod;

}  // namespace

OtherUsers::OtherUsers(const LimitSpec& spec, uint64_t seed, int64_t share_ppm)
    : wanted_per_tick_(static_cast<Wide>(spec.amount) * share_ppm),
      tick_(std::max(spec.period / kTicksPerPeriod, Nanos(1))),
      random_(mix_bits(seed + 4) ^ static_cast<uint64_t>(spec.period.count())) {}

std::optional<OtherUsers::Wish> OtherUsers::next(Nanos now) {
  if (wanted_per_tick_ == 0) return std::nullopt;
  constexpr Wide kUnit = static_cast<Wide>(kPpm) * kTicksPerPeriod;
  ticks_ = std::max(ticks_, now / tick_ - kMostTicks);
  while ((ticks_ + 1) * tick_ <= now) {
    ++ticks_;
    if (random_.next() % 2 == 0) continue;
    owed_ += 2 * wanted_per_tick_;
    const Wide whole = owed_ / kUnit;
    if (whole == 0) continue;
    owed_ %= kUnit;
    return Wish{ticks_ * tick_, static_cast<int64_t>(whole)};
  }
  return std::nullopt;
}

}  // namespace llmq::mock
