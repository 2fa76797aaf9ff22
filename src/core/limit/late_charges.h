// Charges of finished requests whose usage may still become known. Bounded: the oldest are given up
// first.
#ifndef LLMQ_CORE_LIMIT_LATE_CHARGES_H_
#define LLMQ_CORE_LIMIT_LATE_CHARGES_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_map>

#include "core/limit/reservation_pool.h"

namespace llmq::core {

class LateCharges {
 public:
  explicit LateCharges(size_t most) : most_(most) {}

  // Keeps the reservation of a finished request; what falls out goes back to the pool.
  void keep(uint64_t request, Reservation* reservation, ReservationPool& pool) {
    if (most_ == 0) {
      pool.give_back(reservation);
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
    charges_.emplace(request, reservation);
  }

  // The charges of that request, which are given up with this; nullptr if they are not kept.
  Reservation* take(uint64_t request) {
    const auto found = charges_.find(request);
    if (found == charges_.end()) return nullptr;
    Reservation* reservation = found->second;
    charges_.erase(found);
    return reservation;
  }

  // The model goes: everything goes back to the pool.
  void clear(ReservationPool& pool) {
    for (const auto& charge : charges_) pool.give_back(charge.second);
    charges_.clear();
    order_.clear();
  }

 private:
  size_t most_;
  std::deque<uint64_t> order_;  // may name requests that were taken
  std::unordered_map<uint64_t, Reservation*> charges_;
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_LIMIT_LATE_CHARGES_H_
