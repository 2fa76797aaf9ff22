// What a provider counts of a call, told by how `remaining` falls: the estimate with its
// max_tokens, the input alone, or what was used in the end.
//
// Each answer that shows what remains is set against the one that began the span: what is gone
// between the two must be what the right candidate says was charged between them.
#ifndef LLMQ_CORE_LIMIT_CHARGE_LEARNING_H_
#define LLMQ_CORE_LIMIT_CHARGE_LEARNING_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/time.h"

namespace llmq::core {

enum class Counted : uint8_t {
  kEstimate,  // input and max_tokens, on arrival
  kInput,     // the input, on arrival
  kActual,    // what was used, with the answer
};
inline constexpr size_t kCountedKinds = 3;

// How much each candidate says was charged until an answer: at least `low`, at most `high`, for an
// answer shows things as they were when the call arrived, or when the answer left.
struct ChargedUntil {
  std::array<int64_t, kCountedKinds> low{};
  std::array<int64_t, kCountedKinds> high{};
};

class ChargeEvidence {
 public:
  // `used` of the limit is shown as gone at some time from `sent` to `now`; `back` is what a bucket
  // refills per period, 0 for other shapes. True if the conclusion has changed.
  bool add(TimeNs sent, TimeNs now, int64_t used, const ChargedUntil& charged, int64_t back,
           DurationNs period);
  // A new span begins: windows have passed an edge, a limit has changed.
  void restart() { begun_ = false; }

  Counted counted() const { return counted_; }
  bool concluded() const { return concluded_; }
  const std::array<uint32_t, kCountedKinds>& votes() const { return votes_; }

 private:
  bool begun_ = false;
  bool concluded_ = false;
  Counted counted_ = Counted::kEstimate;
  TimeNs sent_{};
  TimeNs now_{};
  int64_t used_ = 0;
  ChargedUntil charged_;
  std::array<uint32_t, kCountedKinds> votes_{};
};

const char* counted_name(Counted counted);

}  // namespace llmq::core

#endif  // LLMQ_CORE_LIMIT_CHARGE_LEARNING_H_
