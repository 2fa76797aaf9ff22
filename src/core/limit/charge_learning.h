// What a provider counts of a call, told by how `remaining` falls: the estimate with its
// max_tokens, the input alone, or what was used in the end, then or while it is produced.
//
// Each answer that shows what remains is set against the one that began the span: what is gone
// between the two must be what the right candidate says was charged between them. A span ends when
// something leaves the window. Whether answers tell of the arrival or of their own leaving is part
// of the guess. A bucket that refills meanwhile is mirrored instead (charge_mirrors.h).
#ifndef LLMQ_CORE_LIMIT_CHARGE_LEARNING_H_
#define LLMQ_CORE_LIMIT_CHARGE_LEARNING_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/limit/charge_mirrors.h"
#include "core/limit/counted.h"
#include "core/time.h"

namespace llmq::core {

// What an answer shows of a window.
struct ShownUse {
  int64_t whole = 0;  // the limit
  int64_t used = 0;
  DurationNs reset{-1};  // -1: not told
};

class ChargeEvidence {
 public:
  // What is counted until answers tell.
  explicit ChargeEvidence(Counted thought) : thought_(thought) {}

  // An answer that came at `now`, to a call that was sent at `sent`, shows a window; what each
  // candidate says was charged until then, at both. True if the conclusion has changed.
  bool add(TimeNs sent, const CountedSums& at_arrival, TimeNs now, const CountedSums& at_answer,
           const ShownUse& shown, int64_t unit);
  // A bucket shows `remaining`; its mirrors have been told of all calls. The same.
  bool add_level(TimeNs now, const ChargeMirrors::Levels& at_arrival, int64_t remaining,
                 int64_t unit);
  ChargeMirrors& mirrors() { return mirrors_; }

  // Found to be counted. Not while nothing is concluded.
  bool counts(Counted what) const { return concluded_ && thought_ == what; }
  bool counts_used() const { return concluded_ && counts_use(thought_); }
  // What is taken to be counted.
  Counted thought() const { return thought_; }
  bool concluded() const { return concluded_; }

 private:
  // Under one assumption of what answers tell of.
  struct Track {
    bool begun = false;
    TimeNs at{};
    TimeNs reset_at{};
    int64_t used = 0;
    CountedSums sums{};
    int64_t gone = 0;     // over all answers that were weighed
    CountedSums error{};  // of each candidate
    uint32_t answers = 0;
  };

  void follow(Track& track, TimeNs at, const CountedSums& sums, const ShownUse& shown,
              int64_t unit);
  bool judge(int64_t unit);

  Counted thought_;
  std::array<Track, kTellingTimes> tracks_;
  ChargeMirrors mirrors_;
  bool concluded_ = false;
};

const char* counted_name(Counted counted);

}  // namespace llmq::core

#endif  // LLMQ_CORE_LIMIT_CHARGE_LEARNING_H_
