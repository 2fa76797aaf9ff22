// Charges of finished requests whose usage may still become known. Bounded: the oldest are given up
// first. They are linked through the grants themselves, so that keeping one allocates nothing.
#ifndef LLMQ_CORE_LATE_CHARGES_H_
#define LLMQ_CORE_LATE_CHARGES_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/grant_pool.h"
#include "core/room.h"

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
    if (size_ == most_) {
      Grant* const oldest = oldest_;
      remove(place_of(oldest->late.request));
      pool.give_back(oldest);
    }
    if (size_ >= chains_.size() && !if_memory_lasts([this] { grow(); }) && chains_.empty()) {
      pool.give_back(grant);
      return;
    }
    grant->late = Grant::Late{request, chains_[chain_of(request)], newest_, nullptr};
    chains_[chain_of(request)] = grant;
    (newest_ == nullptr ? oldest_ : newest_->late.newer) = grant;
    newest_ = grant;
    ++size_;
  }

  // The charges of that request, which are given up with this; nullptr if they are not kept.
  Grant* take(uint64_t request) { return size_ == 0 ? nullptr : remove(place_of(request)); }

  bool empty() const { return size_ == 0; }

  // The model goes: everything goes back to the pool.
  void clear(GrantPool& pool) {
    while (oldest_ != nullptr) pool.give_back(take(oldest_->late.request));
  }

 private:
  size_t chain_of(uint64_t request) const {
    return (request * 0x9e3779b97f4a7c15ULL >> 32) & (chains_.size() - 1);
  }
  // Where a pointer to that grant stands, or the end of its chain.
  Grant** place_of(uint64_t request) {
    Grant** place = &chains_[chain_of(request)];
    while (*place != nullptr && (*place)->late.request != request) place = &(*place)->late.in_chain;
    return place;
  }

  Grant* remove(Grant** place) {
    Grant* const grant = *place;
    if (grant == nullptr) return nullptr;
    const Grant::Late& late = grant->late;
    *place = late.in_chain;
    (late.older == nullptr ? oldest_ : late.older->late.newer) = late.newer;
    (late.newer == nullptr ? newest_ : late.newer->late.older) = late.older;
    --size_;
    return grant;
  }

  void grow() {
    chains_ = std::vector<Grant*>(chains_.empty() ? 16 : 2 * chains_.size(), nullptr);
    for (Grant* grant = oldest_; grant != nullptr; grant = grant->late.newer) {
      grant->late.in_chain = std::exchange(chains_[chain_of(grant->late.request)], grant);
    }
  }

  size_t most_;
  size_t size_ = 0;
  Grant* oldest_ = nullptr;
  Grant* newest_ = nullptr;
  std::vector<Grant*> chains_;  // of a hash table; as many as were ever kept at a time, or more
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_LATE_CHARGES_H_
