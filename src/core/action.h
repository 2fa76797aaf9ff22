// What the engine wants done. Actions are appended in order; the host performs them after the step.
// Nothing that it does there calls back into the engine: what follows from an action is a new
// event.
#ifndef LLMQ_CORE_ACTION_H_
#define LLMQ_CORE_ACTION_H_

#include <cstdint>
#include <variant>
#include <vector>

#include "core/request.h"
#include "core/status.h"

namespace llmq::core {

// Run an attempt. Ends with AttemptFinished, unless AbortAttempt comes first.
struct StartAttempt {
  Request* request;
  uint8_t attempt;
  DeploymentIndex deployment = 0;
  bool is_hedge = false;  // another attempt of the request runs, and goes on
};
// Stop an attempt: for the engine it has ended.
struct AbortAttempt {
  Request* request;
  uint8_t attempt;
  Status reason;
};
// A second attempt is the request's only one now: the other one has ended, or was aborted.
struct TakeOver {
  Request* request;
  uint8_t attempt;
};
// The request has left model `from`: request->model is another one. The host sets what depends on
// that (estimates, time-out, max_attempts), and answers with FellBack.
struct FallBack {
  Request* request;
  ModelIndex from;
  Status why;  // what it would have ended with; kOk: it has waited for too long
};
// The one outcome of a request: request->state and ->status. The record is the host's again.
struct FinishRequest {
  Request* request;
  // DEADLINE at submission: it would have had to wait at least so long. Else 0.
  DurationNs estimate{};
};
// Make a step durable, then answer with Persisted (kAccepted wants no answer).
struct Persist {
  enum class Step : uint8_t { kAccepted, kSending, kDone };
  Request* request;
  Step step;
};
// Ask the store of shared quotas for room; answered by LeaseGranted.
struct Lease {
  ModelIndex model;
  uint32_t limit;
  int64_t amount;
  DeploymentIndex deployment = 0;
};
// The answer to UsageKnown.
struct UsageNoted {
  RequestId request;
  Status status;
};
// A removed model has no request left: its index is free.
struct ModelGone {
  ModelIndex model;
};
// Nothing runs at a removed deployment any more.
struct DeploymentGone {
  ModelIndex model;
  DeploymentIndex deployment;
};
// Shutdown is complete: no request is left.
struct Closed {};
// Something that is watched has happened: Engine::notice().
struct Tell {
  uint32_t notice;
};

using Action = std::variant<StartAttempt, AbortAttempt, FinishRequest, Persist, Lease, UsageNoted,
                            ModelGone, Closed, DeploymentGone, FallBack, TakeOver, Tell>;
using Actions = std::vector<Action>;  // reused from step to step: grows to its high-water mark once

}  // namespace llmq::core

#endif  // LLMQ_CORE_ACTION_H_
