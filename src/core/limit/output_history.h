// How long outputs are and how fast they come, learnt from the last ones that ended: what is still
// to come of one that has produced so many tokens.
//
// Outputs are kept in bins of their length, an eighth of an octave wide, so that a question costs
// the same however many they are. A newcomer is asked about for every admission: its curve is kept.
#ifndef LLMQ_CORE_LIMIT_OUTPUT_HISTORY_H_
#define LLMQ_CORE_LIMIT_OUTPUT_HISTORY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/limit/output_curve.h"
#include "core/limit/output_log.h"
#include "core/time.h"

namespace llmq::core {

class OutputHistory {
 public:
  static constexpr size_t kKept = 2000;                     // outputs
  static constexpr size_t kEnough = 200;                    // before them nothing is told
  static constexpr int64_t kMostTokens = int64_t{1} << 20;  // longer ones count as that long

  OutputHistory() : log_(kKept) {}
  // Goes on from outputs that were kept without one.
  explicit OutputHistory(OutputLog log);

  // As it is kept: of an output of so many tokens, `paced` of them during `took`.
  static OutputLog::Output output_of(int64_t tokens, int64_t paced, DurationNs took);

  // An output has ended: so many tokens, `paced` of them during `took`.
  void add(int64_t tokens, int64_t paced, DurationNs took);
  bool knows() const { return log_.size() >= kEnough; }
  const OutputLog& log() const { return log_; }
  int64_t mean() const {
    return from_bin_[0].count == 0 ? 0 : from_bin_[0].tokens / from_bin_[0].count;
  }

  // Of a stream that had produced `seen` tokens, and is known to bring more than `least` in all.
  // Nothing if no output was ever that long.
  std::optional<OutputCurve> to_come(const Pace& pace, int64_t seen, int64_t least) const;
  // Of a stream that begins. Valid until the next add().
  const SummedCurve& newcomer(const Pace& pace) const;
  // How far the longest outputs reach beyond what deviations tell: third by second central moment.
  // A few of them together are as skewed as one; of many the mean drowns it.
  int64_t skew() const { return skew_; }
  // What nineteen of twenty streams bring at least within `time`; 0 if that is not known.
  int64_t least_in(DurationNs time) const;

 private:
  static constexpr size_t kBins = 128;
  static constexpr size_t kRefresh =
      16;  // outputs that may be added before conclusions are redrawn

  struct Sums {
    int64_t count = 0;
    int64_t tokens = 0;
    int64_t squares = 0;

    Sums& operator+=(const Sums& other);
    Sums operator-(const Sums& other) const;
  };
  struct Newcomer {
    Pace pace;
    SummedCurve curve;
  };

  // Most streams say nothing for a while, and of these there are few kinds.
  static constexpr size_t kMostSilent = 32;
  struct Silent {
    Pace pace;
    int64_t least;
    std::optional<OutputCurve> curve;
  };

  static size_t bin_of(int64_t value);
  void count(const OutputLog::Output& output, int64_t sign);
  void conclude();
  int64_t speed_beyond(bool from_above) const;
  int64_t skew_of_bins() const;
  int64_t fastest_parts(DurationNs cell) const;
  Sums longer_than(int64_t tokens) const;
  std::optional<OutputCurve> draw(const Pace& pace, int64_t seen, int64_t least) const;

  OutputLog log_;
  size_t added_ = 0;  // since the last conclusions
  std::array<Sums, kBins> by_length_{};
  std::array<Sums, kBins> by_speed_{};
  // Conclusions.
  std::array<Sums, kBins> bins_{};
  std::array<int64_t, kBins> centre_{};     // mean length in a bin
  std::array<Sums, kBins + 1> from_bin_{};  // of that bin and all above
  int64_t skew_ = 0;
  int64_t fastest_ = 0;
  int64_t slowest_ = 0;
  mutable std::vector<Newcomer> newcomers_;  // one per pace that was asked for
  mutable std::vector<Silent> silent_;       // since the last conclusions
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_LIMIT_OUTPUT_HISTORY_H_
