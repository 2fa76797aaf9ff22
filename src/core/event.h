// What the engine is told.
#ifndef LLMQ_CORE_EVENT_H_
#define LLMQ_CORE_EVENT_H_

#include <cstdint>
#include <variant>
#include <vector>

#include "core/limit/limit_spec.h"
#include "core/limit/observation.h"
#include "core/model_spec.h"
#include "core/request.h"
#include "core/status.h"
#include "core/tenants.h"
#include "core/time.h"
#include "core/usage.h"

namespace llmq::core {

// How shutdown and removal treat what is there; the numbers are LLMQ_SHUTDOWN_ of llmq.h.
enum class StopMode : uint8_t { kDrain = 0, kCancel = 1, kAbort = 2 };

// A new request. The record is the engine's until FinishRequest.
struct Submit {
  Request* request;
  bool answered = false;  // its answer is there already: it ends at once, well, and uses nothing
};
// A new request that shares a call with others of its model and tenant (flight.h). `flight` is the
// record of that call: one that flies, or a new one, which then is the engine's until its own
// FinishRequest - unless its role stays kAlone, for the request was refused. A request whose caller
// sees no output before the end `restarts`.
struct Join {
  Request* request;
  Request* flight;
};
// The caller no longer wants it. The request must be live.
struct Cancel {
  Request* request;
};
// The call's bytes have left.
struct AttemptSent {
  Request* request;
  uint8_t attempt;
};
// Output of an attempt so far: its first byte has come, or more output tokens are known. Reports of
// attempts that do not run are ignored, and so are fewer tokens than were told before. Every 64
// tokens or 250 ms is often enough.
struct AttemptProgress {
  Request* request;
  uint8_t attempt;
  int64_t output_tokens = 0;  // produced until now; never more than its usage will say
};
// The attempt is over. Reports of attempts that have ended before are ignored.
struct AttemptFinished {
  Request* request;
  uint8_t attempt;
  Status status = Status::kOk;
  bool usage_known = false;
  Usage usage{};
  DurationNs retry_after{};            // 0 = no hint
  const Observed* observed = nullptr;  // what the answer tells of limits; null: nothing
  bool mended = false;                 // its cause is gone: tried again at once
};
// What the provider of the first deployment tells of its limits besides the answers to our
// attempts.
struct LimitsObserved {
  ModelIndex model;
  const Observed* observed;
  DeploymentIndex deployment = 0;
};
// Limits that several models share, or the deployments of one that are of several accounts. Before
// the models that name it; its index is never used again.
struct PoolAdded {
  PoolIndex pool;
  const std::vector<LimitSpec>* limits;
  bool one_account = true;
};
// New settings of a model, and new limits, prices or bound of its first deployment; what limits
// have counted stays, by kind and period. `spec->pools` must be those that it has.
struct ModelChanged {
  ModelIndex model;
  const ModelSpec* spec;
};
// The same for the limits of a pool.
struct PoolChanged {
  PoolIndex pool;
  const std::vector<LimitSpec>* limits;
};
// A calendar window begins: limits of that calendar and deployment or pool count from `start` to
// `end`, the window after it lasts until `next_end`.
struct WindowEdges {
  ModelIndex model;
  uint32_t limit;
  TimeNs start;
  TimeNs end;
  TimeNs next_end;
  DeploymentIndex deployment = 0;
};
// The same for the calendar limits that each tenant of the model has to itself, those that come
// later included: one event for all of them.
struct TenantWindows {
  ModelIndex model;
  Calendar calendar;
  WindowTimes times;
};
// The clock did not run, or nobody looked, for `length`: the machine slept.
struct ClockGap {
  DurationNs length;
};
// A tenant, or new settings of one. Requests of tenants that were never added are held to none.
struct TenantAdded {
  TenantIndex tenant;
  TenantSpec spec;
};
// Usage of a finished request that was submitted with late_usage.
struct UsageKnown {
  RequestId request;
  ModelIndex model;
  Usage usage;
};
struct ModelAdded {
  ModelIndex model;
  const ModelSpec* spec;
};
// Another place where the model can be called.
struct DeploymentAdded {
  ModelIndex model;
  DeploymentIndex deployment;
  const DeploymentSpec* spec;
};
// New limits, prices or bound of one. `spec->pools` must be those that it has.
struct DeploymentChanged {
  ModelIndex model;
  DeploymentIndex deployment;
  const DeploymentSpec* spec;
};
// Nothing starts there any more. With kDrain what runs there ends, else it is aborted and tried
// elsewhere; a request is never given up for it.
struct DeploymentRemoved {
  ModelIndex model;
  DeploymentIndex deployment;
  StopMode mode;
};
// Its key is another one than the one that was refused.
struct KeyRenewed {
  ModelIndex model;
  DeploymentIndex deployment;
};
struct ModelReady {
  ModelIndex model;
  bool ready;
};
struct ModelRemoved {
  ModelIndex model;
  StopMode mode;
};
// The store has made a Persist action durable, or has failed to.
struct Persisted {
  Request* request;
  bool ok;
};
// The store of shared quotas has given room for `amount` of a limit until `expires`.
struct LeaseGranted {
  ModelIndex model;
  uint32_t limit;
  int64_t amount;
  TimeNs expires;
  DeploymentIndex deployment = 0;
};
struct Shutdown {
  StopMode mode;
  TimeNs deadline;  // what still runs then is aborted
};
// The answer to FallBack. Another status than kOk: it cannot be called there.
struct FellBack {
  Request* request;
  Status status;
};
// Time has passed.
struct Tick {};
// Tell of these kinds of Notice from now on, and of no others.
struct Watch {
  uint32_t kinds;
};

using Event = std::variant<Submit, Cancel, AttemptSent, AttemptFinished, UsageKnown, ModelAdded,
                           ModelReady, ModelRemoved, Persisted, LeaseGranted, Shutdown, Tick,
                           LimitsObserved, PoolAdded, ModelChanged, PoolChanged, WindowEdges,
                           ClockGap, TenantAdded, AttemptProgress, TenantWindows, DeploymentAdded,
                           DeploymentChanged, DeploymentRemoved, Join, Watch, KeyRenewed, FellBack>;

}  // namespace llmq::core

#endif  // LLMQ_CORE_EVENT_H_
