// Room of a shared limit that the shared store has granted to this process, each grant until it
// expires: the store then gives what is left of it to others.
#ifndef LLMQ_CORE_LIMIT_LEASED_ROOM_H_
#define LLMQ_CORE_LIMIT_LEASED_ROOM_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/time.h"

namespace llmq::core {

class LeasedRoom {
 public:
  void add(TimeNs now, int64_t amount, TimeNs expires) {
    if (amount <= 0 || expires <= now) return;
    const auto later = std::find_if(grants_.begin(), grants_.end(),
                                    [&](const Grant& grant) { return grant.expires > expires; });
    grants_.insert(later, Grant{amount, expires});
  }

  int64_t available(TimeNs now) {
    drop_expired(now);
    int64_t sum = 0;
    for (const Grant& grant : grants_) sum += grant.amount;
    return sum;
  }

  // Uses up what expires first. amount <= available(now).
  void take(TimeNs now, int64_t amount) {
    drop_expired(now);
    for (Grant& grant : grants_) {
      const int64_t part = std::min(amount, grant.amount);
      grant.amount -= part;
      amount -= part;
    }
    const auto left = std::find_if(grants_.begin(), grants_.end(),
                                   [](const Grant& grant) { return grant.amount > 0; });
    grants_.erase(grants_.begin(), left);
  }

 private:
  struct Grant {
    int64_t amount;
    TimeNs expires;
  };
  void drop_expired(TimeNs now) {
    const auto alive = std::find_if(grants_.begin(), grants_.end(),
                                    [&](const Grant& grant) { return grant.expires > now; });
    grants_.erase(grants_.begin(), alive);
  }

  std::vector<Grant> grants_;  // the first expires first
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_LIMIT_LEASED_ROOM_H_
