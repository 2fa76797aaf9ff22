#include "core/limit/charge_learning.h"

#include <algorithm>

#include "core/limit/wide.h"

namespace llmq::core {
namespace {

constexpr uint32_t kEnough = 8;  // answers that agree
// Of a span that is shorter, nothing can be said; of a longer one, charges of its beginning leave.
constexpr int64_t kLeastSpan = 20;  // calls' worth, in shares of what is gone: see add()

int64_t distance_to(int64_t value, int64_t low, int64_t high) {
  if (value < low) return low - value;
  return value > high ? value - high : 0;
}

}  // namespace

bool ChargeEvidence::add(TimeNs sent, TimeNs now, int64_t used, const ChargedUntil& charged,
                         DurationNs period) {
  const bool too_old = begun_ && now - now_ > DurationNs{period.ns / 2};
  if (!begun_ || too_old || used < used_) {
    begun_ = true;
    sent_ = sent;
    now_ = now;
    used_ = used;
    charged_ = charged;
    return false;
  }
  if (concluded_ || sent <= sent_) return false;
  const int64_t gone = used - used_;
  std::array<int64_t, kCountedKinds> error{};
  std::array<int64_t, kCountedKinds> low{};
  std::array<int64_t, kCountedKinds> high{};
  for (size_t i = 0; i < kCountedKinds; ++i) {
    low[i] = std::max<int64_t>(charged.low[i] - charged_.high[i], 0);
    high[i] = std::max<int64_t>(charged.high[i] - charged_.low[i], 0);
    error[i] = distance_to(gone, low[i], high[i]);
  }
  const size_t estimate = static_cast<size_t>(Counted::kEstimate);
  if (low[estimate] < kLeastSpan) return false;
  const size_t best =
      static_cast<size_t>(std::min_element(error.begin(), error.end()) - error.begin());
  // One must fit, and the others must not.
  if (error[best] > high[best] / 10) return false;
  for (size_t i = 0; i < kCountedKinds; ++i) {
    if (i != best && error[i] < std::max(high[i], high[best]) / 5) return false;
  }
  ++votes_[best];
  for (size_t i = 0; i < kCountedKinds; ++i) {
    if (i != best && votes_[best] <= 4 * votes_[i]) return false;
  }
  if (votes_[best] < kEnough) return false;
  concluded_ = true;
  const Counted before = thought_;
  thought_ = static_cast<Counted>(best);
  return thought_ != before;
}

bool ChargeEvidence::add_level(TimeNs now, const ChargeMirrors::Levels& at_arrival,
                               int64_t remaining, int64_t unit) {
  const std::optional<Counted> found = mirrors_.shown(now, at_arrival, remaining, unit, thought_);
  if (!found) return false;
  thought_ = *found;
  concluded_ = true;
  return true;
}

const char* counted_name(Counted counted) {
  switch (counted) {
    case Counted::kEstimate:
      return "estimate";
    case Counted::kInput:
      return "input";
    case Counted::kActual:
      return "actual";
  }
  return "?";
}

}  // namespace llmq::core
