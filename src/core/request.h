// A request as the engine sees it: where it stands, never what is in it.
//
// The record belongs to the host, which allocates it, hands it over with Submit, and may free it
// after the FinishRequest action. In between only the engine writes it.
#ifndef LLMQ_CORE_REQUEST_H_
#define LLMQ_CORE_REQUEST_H_

#include <cstdint>

#include "core/grant.h"
#include "core/limit/limiter.h"
#include "core/model_spec.h"
#include "core/queue/link.h"
#include "core/queue/timer_wheel.h"
#include "core/status.h"
#include "core/time.h"

namespace llmq::core {

using RequestId = uint64_t;

// The numbers are LLMQ_STATE_ of llmq.h.
enum class State : uint8_t {
  kPending = 1,
  kProcessing = 2,
  kCompleted = 3,
  kFailed = 4,
  kCancelled = 5,
  kExpired = 6,
};

// Requests that ask for the same may share one call (single-flight, flight.h).
enum class Role : uint8_t {
  kAlone,     // it is called for itself
  kFlight,    // a call that several share; nobody has submitted it
  kFollower,  // waits for the end of a flight
  kHedge,     // the engine's own: a second call of a request (hedge.h)
};

constexpr bool is_final(State state) { return state >= State::kCompleted; }

inline constexpr uint32_t kNotInHeap = UINT32_MAX;

struct Request {
  Link link;  // in exactly one list: waiting, delayed, running, or of a flight. First member.
  Timer timer{
      TimerOwner::kRequest};  // the next thing that time brings it: retry, time-out, deadline

  // Set by the host before Submit.
  RequestId id = 0;
  TimeNs deadline = kNever;
  uint32_t est_input_tokens = 0;
  uint32_t est_output_tokens = 0;
  uint32_t timeout_ms = 0;  // per attempt; 0 = none
  uint32_t bytes = 0;       // that it keeps in memory: the tenant's max_pending_bytes counts them
  ModelIndex model = 0;
  TenantIndex tenant = 0;
  uint8_t max_attempts = 0;

  bool restarts : 1;  // tried again although output of it has been seen
  // The engine's.
  Role role : 2;
  bool pays_budget : 1;       // its next attempt is a retry that a budget bounds
  uint8_t store_answers : 3;  // Persisted events still to come
  // The host's:
  bool streams : 1;  // its output is told while it comes
  // The engine's:
  uint8_t attempts = 0;  // the number of the last one, without a second call beside it

  // Four small ones in a byte. The host's:
  uint8_t priority : 3;  // LLMQ_PRIORITY_ of llmq.h
  bool late_usage : 1;   // its charges may be corrected after the end
  // The engine's:
  bool delayed : 1;  // pending, but not before its timer
  State state : 3;

  // The last retry delay: decorrelated jitter grows from it. Until the first start: the wait that
  // was predicted at submission; 0 if none was.
  uint32_t backoff_ms = 0;
  uint32_t heap_index = kNotInHeap;
  Status status = Status::kOk;  // final status
  uint64_t seq = 0;             // place in line: order of submission
  TimeNs submitted{};
  TimeNs started{};  // the last attempt's start; 0 = none
  union {
    Grant* reservation = nullptr;
    Request* flight;  // of a follower
  };

  Request()
      : restarts(false),
        role(Role::kAlone),
        pays_budget(false),
        store_answers(0),
        streams(false),
        priority(0),
        late_usage(false),
        delayed(false),
        state(State::kPending) {}

  static Request* of_link(Link* link) { return reinterpret_cast<Request*>(link); }
  static Request* of_timer(Timer* timer) {
    return reinterpret_cast<Request*>(reinterpret_cast<char*>(timer) - sizeof(Link));
  }
};

static_assert(sizeof(Request) == 128, "a million of them wait");

inline Demand demand_of(const Request& request) {
  return {request.est_input_tokens, request.est_output_tokens};
}

}  // namespace llmq::core

#endif  // LLMQ_CORE_REQUEST_H_
