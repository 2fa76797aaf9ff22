// Other users of the same key: what they ask of a limit, and when.
#ifndef LLMQ_MOCK_OTHER_USERS_H_
#define LLMQ_MOCK_OTHER_USERS_H_

#include <cstdint>
#include <optional>

#include "mock/limit.h"
#include "mock/random.h"
#include "mock/units.h"

namespace llmq::mock {

// Asks every hundredth of the limit's period, nothing or twice the mean by a seeded coin, so that
// the share is kept over a period and rough within it.
class OtherUsers {
 public:
  struct Wish {
    Nanos at{};
    int64_t cost = 0;
  };

  OtherUsers(const LimitSpec& spec, uint64_t seed, int64_t share_ppm);

  // The next wish up to now; nothing if there is none left.
  std::optional<Wish> next(Nanos now);

 private:
  Wide wanted_per_tick_;  // units x millionths x ticks per period
  Nanos tick_;
  int64_t ticks_ = 0;  // that are past
  Wide owed_ = 0;      // asked for in parts of a unit, not yet as a whole one
  Random random_;
};

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_OTHER_USERS_H_
