#include "core/limit/charge_learning.h"

#include <algorithm>

#include "core/limit/wide.h"

namespace llmq::core {
namespace {

constexpr uint32_t kEnough = 8;  // answers that are judged together
constexpr uint32_t kMost = 128;
constexpr int64_t kSpan = 20;  // calls
constexpr int64_t kWhole = 1'000'000;
constexpr int64_t kFits = 150'000;     // of what is gone
constexpr int64_t kDiffers = 100'000;  // beyond twice as far off as the best
// A reset that moves by less is the same instant, seen over a way that varies.
constexpr DurationNs kSameReset = milliseconds(15);

int64_t distance(int64_t a, int64_t b) { return a < b ? b - a : a - b; }

}  // namespace

bool ChargeEvidence::add(TimeNs sent, const CountedSums& at_arrival, TimeNs now,
                         const CountedSums& at_answer, const ShownUse& shown, int64_t unit) {
  follow(tracks_[0], sent, at_arrival, shown, unit);
  follow(tracks_[1], now, at_answer, shown, unit);
  return judge(unit);
}

void ChargeEvidence::follow(Track& track, TimeNs at, const CountedSums& sums, const ShownUse& shown,
                            int64_t unit) {
  const TimeNs reset_at = at + shown.reset;
  if (track.begun && at <= track.at) return;  // answers overtake each other
  const bool left = shown.used < track.used || reset_at > track.reset_at + kSameReset;
  if (!track.begun || left) {
    track.begun = true;
    track.at = at;
    track.reset_at = reset_at;
    track.used = shown.used;
    track.sums = sums;
    return;
  }
  CountedSums span{};
  for (size_t i = 0; i < kCountedKinds; ++i) span[i] = sums[i] - track.sums[i];
  const int64_t gone = shown.used - track.used;
  // Calls overtake each other on their way: of short spans that is too large a part.
  const int64_t least = std::min(kSpan * unit, shown.whole / 4);
  if (std::max(gone, *std::max_element(span.begin(), span.end())) < least) return;
  track.gone += gone;
  for (size_t i = 0; i < kCountedKinds; ++i) track.error[i] += distance(gone, span[i]);
  if (++track.answers < kMost) return;
  track.answers /= 2;  // what was long ago counts less
  track.gone /= 2;
  for (int64_t& error : track.error) error /= 2;
}

// Both assumptions are heard, and one candidate must fit. What is thought stands while it is not
// clearly worse; then follows, of those that are not, the one that charges most.
bool ChargeEvidence::judge(int64_t unit) {
  CountedSums wrong{};  // parts of a million of what is gone
  wrong.fill(INT64_MAX);
  for (const Track& track : tracks_) {
    if (track.answers < kEnough) return false;
    const int64_t gone = std::max<int64_t>(track.gone, track.answers * unit);
    for (size_t i = 0; i < kCountedKinds; ++i) {
      wrong[i] = std::min(wrong[i], mul_div(track.error[i], kWhole, gone));
    }
  }
  const int64_t least = *std::min_element(wrong.begin(), wrong.end());
  if (least > kFits) return false;
  const auto may_be = [&](Counted one) {
    return wrong[static_cast<size_t>(one)] < 2 * least + kDiffers;
  };
  const bool use = may_be(Counted::kActual) || may_be(Counted::kRealtime);
  const int possible =
      (may_be(Counted::kEstimate) ? 1 : 0) + (use ? 1 : 0) + (may_be(Counted::kInput) ? 1 : 0);
  if (counts_use(thought_) ? use : may_be(thought_)) {
    concluded_ = concluded_ || possible == 1;
    return false;
  }
  concluded_ = true;
  thought_ = Counted::kInput;
  if (use) thought_ = may_be(Counted::kActual) ? Counted::kActual : Counted::kRealtime;
  if (may_be(Counted::kEstimate)) thought_ = Counted::kEstimate;
  return true;
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
    case Counted::kRealtime:
      return "realtime";
  }
  return "?";
}

}  // namespace llmq::core
