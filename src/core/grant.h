// What a running attempt holds: of its model's limits, of its tenant's own limits, and what the
// fair order has charged its tenant for it.
#ifndef LLMQ_CORE_GRANT_H_
#define LLMQ_CORE_GRANT_H_

#include <cstdint>
#include <memory>

#include "core/limit/limiter.h"
#include "core/time.h"

namespace llmq::core {

using TenantIndex = uint32_t;  // 0: requests that name no tenant

struct Grant : Reservation {
  // Its places while LateCharges keeps it.
  struct Late {
    uint64_t request = 0;
    Grant* in_chain = nullptr;
    Grant* older = nullptr;
    Grant* newer = nullptr;
  };

  std::unique_ptr<Reservation> own;  // of the tenant's limits; stays when the grant is reused
  uint64_t charged = 0;              // virtual time, see queue/fair_queue.h
  TenantIndex tenant = 0;
  uint32_t deployment = 0;    // of its model: whose limits these are
  uint32_t own_limits = 0;    // which OwnLimits `own` is of; 0 = none
  bool output_begun = false;  // its answer has begun to come
  TimeNs begun_at{};          // when, and with how much
  int64_t begun_with = 0;
  bool is_retry = false;  // and counts as one in the budgets
  TimeNs retry_begun{};
  bool is_hedge = false;  // it began as the second call of its request
  bool hedged = false;    // a second call was begun beside it
  TimeNs hedge_at{};      // when that is to be looked at; kNever: not (again)
  Late late;
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_GRANT_H_
