// What a provider counts of a call, told by how `remaining` falls: the estimate with its
// max_tokens, the input alone, or what was used in the end.
//
// Each answer that shows what remains is set against the one that began the span: what is gone
// between the two must be what the right candidate says was charged between them. A bucket that
// refills meanwhile is mirrored instead (charge_mirrors.h).
#ifndef LLMQ_CORE_LIMIT_CHARGE_LEARNING_H_
#define LLMQ_CORE_LIMIT_CHARGE_LEARNING_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/limit/charge_mirrors.h"
#include "core/limit/counted.h"
#include "core/time.h"

namespace llmq::core {

// How much each candidate says was charged until an answer: at least `low`, at most `high`, for an
// answer shows things as they were when the call arrived, or when the answer left.
struct ChargedUntil {
  std::array<int64_t, kCountedKinds> low{};
  std::array<int64_t, kCountedKinds> high{};
};

class ChargeEvidence {
 public:
  // What is counted until answers tell.
  explicit ChargeEvidence(Counted thought) : thought_(thought) {}

  // `used` of a window of that length is shown as gone at some time from `sent` to `now`. True if
  // the conclusion has changed.
  bool add(TimeNs sent, TimeNs now, int64_t used, const ChargedUntil& charged, DurationNs period);
  // A bucket shows `remaining`; its mirrors have been told of all calls. The same.
  bool add_level(TimeNs now, const ChargeMirrors::Levels& at_arrival, int64_t remaining,
                 int64_t unit);
  ChargeMirrors& mirrors() { return mirrors_; }

  // Found to be counted. Not while nothing is concluded.
  bool counts(Counted what) const { return concluded_ && thought_ == what; }
  // What is taken to be counted.
  Counted thought() const { return thought_; }
  bool concluded() const { return concluded_; }
  const std::array<uint32_t, kCountedKinds>& votes() const { return votes_; }

 private:
  bool begun_ = false;
  bool concluded_ = false;
  Counted thought_;
  TimeNs sent_{};
  TimeNs now_{};
  int64_t used_ = 0;
  ChargedUntil charged_;
  ChargeMirrors mirrors_;
  std::array<uint32_t, kCountedKinds> votes_{};
};

const char* counted_name(Counted counted);

}  // namespace llmq::core

#endif  // LLMQ_CORE_LIMIT_CHARGE_LEARNING_H_
