// What the ends of attempts tell of the provider's load, and what is made of it. Load is not quota:
// no rate limit changes for it.
#include <algorithm>

#include "core/engine.h"

namespace llmq::core {
namespace {

// Faster than that no cut follows another.
constexpr DurationNs kLeastRound = seconds(1);

bool counts_rates(const Deployment& deployment) {
  const std::vector<Limit*>& limits = deployment.limiter.limits();
  return std::any_of(limits.begin(), limits.end(),
                     [](const Limit* limit) { return !limit->is_concurrency(); });
}

// A 429 is about a rate, unless it says that too many calls run, or there is no rate that it could
// be about.
bool is_about_load(const Deployment& deployment, const Refusal& refusal) {
  if (refusal.kind_told) return refusal.kind == LimitKind::kConcurrency;
  return refusal.retry_after.ns == 0 && !counts_rates(deployment);
}

}  // namespace

void Engine::weigh_load(const Step& step, Deployment& deployment, const Request& request,
                        const AttemptFinished& event) {
  const DurationNs pause = event.status == Status::kOverloaded ? event.retry_after : DurationNs{};
  deployment.gate = std::max(deployment.gate, step.now + pause);
  AdaptiveConcurrency& load = deployment.load;
  const auto others = static_cast<int64_t>(deployment.processing) - 1;
  if (event.status == Status::kOk) {
    deployment.latencies.add(step.now - request.started);
    load.succeeded(request.started, others, load.bounds() ? deployment.limiter.most_attempts() : 0);
  } else {
    const bool refused = event.status == Status::kRateLimited;
    const Refusal refusal =
        event.observed != nullptr && event.observed->refused ? event.observed->refusal : Refusal{};
    const bool timed_out = event.status == Status::kTimeout;
    const bool overloaded = event.status == Status::kOverloaded || timed_out ||
                            (refused && is_about_load(deployment, refusal));
    if (!overloaded || !deployment.spec.adaptive_concurrency) return;
    load.overloaded(step.now, others, deployment.limiter.most_attempts(),
                    std::max(kLeastRound, deployment.latencies.median()));
    if (pause.ns > 0) load.closed(others);
    if (refused && refusal.limit > 0) load.told(refusal.limit);
  }
  deployment.limiter.bound_attempts(load.bound());
}

}  // namespace llmq::core
