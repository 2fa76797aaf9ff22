// A provider's bucket once for everything that it may count of calls. The one whose level is what
// answers show is right.
#ifndef LLMQ_CORE_LIMIT_CHARGE_MIRRORS_H_
#define LLMQ_CORE_LIMIT_CHARGE_MIRRORS_H_

#include <array>
#include <cstdint>
#include <optional>

#include "core/limit/counted.h"
#include "core/limit/token_bucket.h"
#include "core/time.h"

namespace llmq::core {

class ChargeMirrors {
 public:
  // The bucket as it is known from now on; `shown`: answers tell of it.
  void follow(TimeNs now, int64_t amount, DurationNs period, int64_t capacity, bool shown);

  using Levels = CountedSums;

  // Returns what each would hold then.
  Levels arrived(TimeNs now, int64_t estimate, int64_t input);
  void refused(TimeNs now, int64_t estimate, int64_t input);  // it had not been counted
  void ended(TimeNs now, int64_t input, int64_t output);
  // An answer showed `remaining`, as it was when the call arrived or when the answer left. What is
  // counted, if not `thought`; nothing while that may be right. `unit`: what a call costs, about.
  std::optional<Counted> shown(TimeNs now, const Levels& at_arrival, int64_t remaining,
                               int64_t unit, Counted thought);

 private:
  void charge(TimeNs now, Counted as, int64_t cost);
  Levels levels(TimeNs now) const;

  bool shown_ = false;
  int64_t amount_ = 0;
  int64_t capacity_ = 0;
  DurationNs period_{};
  // Of estimates from the first call on; the others begin with what is shown.
  std::array<std::optional<TokenBucket>, kCountedKinds> buckets_;
  std::array<CountedSums, kTellingTimes> error_{};
  int64_t answers_ = 0;  // that the errors are the sum of
  std::optional<Counted> suspected_;
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_LIMIT_CHARGE_MIRRORS_H_
