// What those who watch the engine are told: the steps of a request's life, and what changes at a
// deployment. Telling changes nothing of what the engine decides.
//
// Of a request: kSubmitted; per attempt kAdmitted, kAttemptStarted, perhaps kFirstByte,
// kAttemptFinished, and kRetried if another one follows; kCompleted once, just before its
// FinishRequest. The attempts of a shared call are those of its flight (flight.h), of which no more
// is told. With a durable store an admission may be given up before the attempt starts.
#ifndef LLMQ_CORE_NOTICE_H_
#define LLMQ_CORE_NOTICE_H_

#include <cstdint>

#include "core/limit/limit_spec.h"
#include "core/model_spec.h"
#include "core/request.h"
#include "core/status.h"
#include "core/time.h"
#include "core/usage.h"

namespace llmq::core {

inline constexpr DeploymentIndex kNoDeployment = UINT32_MAX;
inline constexpr PoolIndex kNoPool = UINT32_MAX;

struct Notice {
  // Bits, with the numbers of LLMQ_HOOK_ in llmq.h.
  enum Kind : uint32_t {
    kSubmitted = 1,
    kAdmitted = 2,        // every limit has reserved its share
    kAttemptStarted = 4,  // handed to who runs it
    kFirstByte = 8,       // its output has begun
    kAttemptFinished = 16,
    kRetried = 32,  // it failed, and there will be another
    kBreakerChanged = 64,
    kLimitChanged = 128,  // what is enforced of it, by settings or by what answers have shown
    kCompleted = 256,     // the request has its outcome, whatever that is
    // To be watched for, never told: kAttemptFinished and kRetried of requests that have met a
    // failure.
    kTrouble = 1U << 31,
  };
  static constexpr uint32_t kAll = 511;

  Kind kind = kSubmitted;
  TimeNs at{};
  ModelIndex model = 0;
  DeploymentIndex deployment = kNoDeployment;
  Request* request = nullptr;  // nullptr: it is of the deployment
  State state = State::kPending;
  Status status = Status::kOk;  // of the attempt; kCompleted: of the request
  uint8_t attempt = 0;          // its number; before the first one 0
  bool is_hedge = false;        // it began beside another one that was slow
  bool was_hedged = false;      // kAttemptFinished: another one was begun beside it
  bool usage_known = false;
  Usage usage{};        // kAttemptFinished
  DurationNs queued{};  // from the submission to now; after a start, to the last one
  DurationNs run{};     // kAttemptFinished: of the attempt; kCompleted: since the last start
  DurationNs delay{};   // kRetried: until the next attempt may start

  // kLimitChanged: which, and its amount before and after; 0 = none. kBreakerChanged: its states,
  // as CircuitBreaker::State, and when it is tried again.
  LimitKind limit = LimitKind::kRequests;
  DurationNs period{};
  PoolIndex pool = kNoPool;
  int64_t before = 0;
  int64_t after = 0;
  TimeNs until{};
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_NOTICE_H_
