// Reservations for reuse: after the first of each no attempt allocates.
#ifndef LLMQ_CORE_LIMIT_RESERVATION_POOL_H_
#define LLMQ_CORE_LIMIT_RESERVATION_POOL_H_

#include <deque>

#include "core/limit/limiter.h"

namespace llmq::core {

class ReservationPool {
 public:
  Reservation* take() {
    if (free_ == nullptr) {
      all_.emplace_back();
      return &all_.back();
    }
    Reservation* reservation = free_;
    free_ = reservation->next_free;
    reservation->next_free = nullptr;
    return reservation;
  }

  void give_back(Reservation* reservation) {
    reservation->next_free = free_;
    free_ = reservation;
  }

 private:
  std::deque<Reservation> all_;  // addresses never move
  Reservation* free_ = nullptr;
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_LIMIT_RESERVATION_POOL_H_
