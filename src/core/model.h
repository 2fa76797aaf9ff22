// One model inside the engine: its limits, its line, what runs, what it counted.
#ifndef LLMQ_CORE_MODEL_H_
#define LLMQ_CORE_MODEL_H_

#include <cstdint>

#include "core/event.h"
#include "core/limit/late_charges.h"
#include "core/limit/limiter.h"
#include "core/queue/link.h"
#include "core/queue/request_queue.h"
#include "core/queue/timer_wheel.h"

namespace llmq::core {

// Totals since the model was added, but for pending and processing, which are now.
struct Counters {
  uint64_t submitted = 0;
  uint64_t completed = 0;
  uint64_t failed = 0;
  uint64_t cancelled = 0;
  uint64_t expired = 0;
  uint64_t attempts = 0;
  uint64_t retries = 0;
  uint64_t rate_limited = 0;
  uint64_t pending = 0;
  uint64_t processing = 0;
  uint64_t input_tokens = 0;
  uint64_t output_tokens = 0;
  uint64_t cached_input_tokens = 0;
};

struct Model {
  Model(ModelIndex own_index, const ModelSpec& own_spec, const std::vector<Limit*>& pooled = {})
      : index(own_index),
        spec(own_spec),
        limiter(own_spec.limits, own_spec.max_in_flight, own_spec.prices, pooled),
        late(own_spec.late_charges_max) {}

  // A model is found from its timer.
  static Model* of_timer(Timer* timer) { return reinterpret_cast<Model*>(timer); }

  Timer wake{TimerOwner::kModel};  // when the front of the line may start. First member.
  ModelIndex index;
  ModelSpec spec;
  Limiter limiter;
  RequestQueue queue;  // may start as soon as the limits allow
  LinkList delayed;    // wait for their retry
  LinkList running;
  TimeNs gate{};  // nothing starts before: a Retry-After of the provider
  // Why the front of the line waits: until blocked_until for limit blocked_by; blocked_until is 0
  // if it does not wait for a limit, kNever if only the end of an attempt makes room.
  TimeNs blocked_until{};
  int blocked_by = -1;
  bool check_size = false;  // limits have changed: who waits may have become too large
  bool removing = false;
  StopMode stop_mode = StopMode::kDrain;  // of its removal
  uint64_t records = 0;                   // requests not handed back yet
  LateCharges late;
  Counters counters;
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_MODEL_H_
