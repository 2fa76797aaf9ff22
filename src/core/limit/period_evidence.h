// Over which period a limit counts, told from answers that show limit, remaining and reset but not
// the period. A bucket is full again after (limit - remaining) / limit of its period, so each
// answer bounds the period; `remaining` is rounded down, which makes that an interval. Fixed and
// sliding windows show resets that do not grow with what is used: their intervals do not meet.
#ifndef LLMQ_CORE_LIMIT_PERIOD_EVIDENCE_H_
#define LLMQ_CORE_LIMIT_PERIOD_EVIDENCE_H_

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/limit/observation.h"
#include "core/limit/wide.h"
#include "core/time.h"

namespace llmq::core {

class PeriodEvidence {
 public:
  void add(const Observation& shown) {
    if (refuted_ || shown.limit <= 0 || shown.remaining == kNotTold || shown.reset.ns <= 0) return;
    const int64_t used = shown.limit - shown.remaining;
    if (used <= 0 || used == last_used_) return;
    last_used_ = used;
    ++answers_;
    // Resets are told in milliseconds at best.
    const int64_t reset = shown.reset.ns;
    const int64_t least = std::max<int64_t>(reset - kStep.ns, 1);
    low_ = std::max(low_, mul_div(least, shown.limit, used));
    if (used > 1) high_ = std::min(high_, mul_div_up(reset + kStep.ns, shown.limit, used - 1));
    refuted_ = low_ > high_;
  }

  // 0 until enough answers agree.
  DurationNs period() const {
    if (refuted_ || answers_ < kEnough) return {};
    for (const DurationNs usual : kUsual) {
      if (low_ <= usual.ns && usual.ns <= high_) return usual;
    }
    const int64_t whole = (low_ / kSecond.ns + 1) * kSecond.ns;
    const bool narrow = high_ - low_ <= low_ / 20;
    if (!narrow || whole > high_ || whole > kLongest.ns) return {};
    return {whole};
  }

 private:
  static constexpr DurationNs kStep = milliseconds(1);
  static constexpr DurationNs kSecond = seconds(1);
  static constexpr DurationNs kLongest = seconds(31 * 24 * 3600);
  static constexpr int kEnough = 4;
  // Most providers count by the minute or the day.
  static constexpr std::array<DurationNs, 5> kUsual{seconds(60), seconds(86'400), seconds(1),
                                                    seconds(10), seconds(3600)};

  int answers_ = 0;
  bool refuted_ = false;
  int64_t last_used_ = 0;
  int64_t low_ = 0;
  int64_t high_ = kMaxDuration.ns;
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_LIMIT_PERIOD_EVIDENCE_H_
