// Grants for reuse: after the first of each no attempt allocates.
#ifndef LLMQ_CORE_GRANT_POOL_H_
#define LLMQ_CORE_GRANT_POOL_H_

#include <deque>

#include "core/grant.h"

namespace llmq::core {

class GrantPool {
 public:
  // The next one can be taken without memory; one that has room for what it holds of a tenant's own
  // limits, if it will need that.
  void make_room(bool with_own) {
    if (free_ == nullptr) free_ = &all_.emplace_back();
    if (with_own && free_->own == nullptr) free_->own = std::make_unique<Reservation>();
  }

  Grant* take() {
    make_room(false);
    Grant* grant = free_;
    free_ = static_cast<Grant*>(grant->next_free);
    grant->next_free = nullptr;
    return grant;
  }

  void give_back(Grant* grant) {
    grant->next_free = free_;
    free_ = grant;
  }

 private:
  std::deque<Grant> all_;  // addresses never move
  Grant* free_ = nullptr;
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_GRANT_POOL_H_
