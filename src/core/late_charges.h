// Charges of finished requests whose usage may still become known. Bounded: the oldest are given up
// first.
#ifndef LLMQ_CORE_LATE_CHARGES_H_
#define LLMQ_CORE_LATE_CHARGES_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_map>

#include "core/grant_pool.h"

namespace llmq::core {

class LateCharges {
 public:
  explicit LateCharges(size_t most) : most_(most) {}

  // Keeps the grant of a finished request; what falls out goes back to the pool.
  void keep(uint64_t request, Grant* grant, GrantPool& pool) {
    if (most_ == 0) {
      pool.give_back(grant);
      return;
    }
    if (order_.size() == most_) {
      const auto oldest = charges_.find(order_.front());
      if (oldest != charges_.end()) {
        pool.give_back(oldest->second);
        charges_.erase(oldest);
      }
      order_.pop_front();
    }
    order_.push_back(request);
    charges_.emplace(request, grant);
  }

  // The charges of that request, which are given up with this; nullptr if they are not kept.
  Grant* take(uint64_t request) {
    const auto found = charges_.find(request);
    if (found == charges_.end()) return nullptr;
    Grant* grant = found->second;
    charges_.erase(found);
    return grant;
  }

  bool empty() const { return charges_.empty(); }

  // The model goes: everything goes back to the pool.
  void clear(GrantPool& pool) {
    for (const auto& charge : charges_) pool.give_back(charge.second);
    charges_.clear();
    order_.clear();
  }

 private:
  size_t most_;
  std::deque<uint64_t> order_;  // may name requests that were taken
  std::unordered_map<uint64_t, Grant*> charges_;
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_LATE_CHARGES_H_
