// Requests that the engine ended itself: what is told of them, in words.
#include "config/limit_text.h"
#include "core/limit/limit_names.h"
#include "runtime/limit_report.h"
#include "runtime/loop.h"
#include "runtime/request_check.h"

namespace llmq::runtime {
namespace {

constexpr const char* kDeadlineHopeless =
    " after the submit, but before that limits and line let nothing of this size start: at least ";

// Of a request that was ended while it waited.
std::string unsent_text(core::Status status) {
  switch (status) {
    case core::Status::kAuth:
      return "not sent: the provider refuses the key; it is tried again with another key, when a "
             "setting changes, and after quota_recheck_s";
    case core::Status::kOverloaded:
    case core::Status::kServer:
    case core::Status::kTransport:
    case core::Status::kTimeout:
      return "not sent: the provider does not work (the circuit breaker of each deployment is "
             "open, and on_outage is fail)";
    default:
      return core::status_message(status);
  }
}

}  // namespace

// There is no report of it, or an old one.
void Loop::explain_end(Job& job, core::DurationNs estimate) {
  const core::Status status = job.request.status;
  if (job.outcome != nullptr && job.outcome->status == status) return;
  std::string last;
  if (job.outcome != nullptr && !job.outcome->message.empty()) {
    last.append("; the last attempt: ").append(job.outcome->message);
  }
  home->drop_outcome(job);
  Outcome outcome;
  outcome.status = status;
  const core::DurationNs given = job.request.deadline - job.request.submitted;
  switch (status) {
    case core::Status::kDeadline:
      if (estimate.ns > 0) {
        outcome.message = "the deadline is " + milliseconds_text(given) + kDeadlineHopeless +
                          milliseconds_text(estimate);
        break;
      }
      outcome.message = "the deadline came " + milliseconds_text(given) + " after the submit" +
                        (job.request.attempts == 0 ? ", before the limits had room" : "") + last;
      break;
    case core::Status::kOversize:
      outcome.message = oversize_text(job);
      break;
    case core::Status::kQuotaExhausted:
      explain_quota(job, outcome);
      break;
    case core::Status::kQueueFull:
      outcome.message = tenant_caps_text(job);
      break;
    default:
      outcome.message = unsent_text(status) + last;
      break;
  }
  job.outcome = home->store(std::move(outcome));
}

// It fitted when it was submitted: a limit has been lowered since, or answers have shown one.
std::string Loop::oversize_text(const Job& job) {
  const ModelEntry& entry = entry_of(job);
  const core::Model& model = *engine_.model(job.request.model);
  const core::Demand demand = core::demand_of(job.request);
  for (const auto& deployment : model.deployments) {
    const int index = deployment == nullptr ? -1 : deployment->limiter.too_small_for(demand);
    if (index < 0) continue;
    const core::Limit* const limit = deployment->limiter.limits()[static_cast<size_t>(index)];
    const core::LimitSpec& spec = limit->spec();
    return "the request needs " + config::amount_text(spec.kind, limit->cost_of(demand)) +
           " of limit " + core::limit_name(spec) + " of " +
           owner_of(*entry.called[deployment->index], engine_, limit) + ", which is " +
           config::amount_text(spec.kind, spec.amount) + " now";
  }
  TokenEstimate tokens;
  tokens.input = job.request.est_input_tokens;
  tokens.output = job.request.est_output_tokens;
  core::Error why;
  fits_limits(model.tenant_limits, model.tenant_prices, tokens, "each tenant of model",
              entry.config.name, &why);
  return why.message + " now";
}

std::string Loop::tenant_caps_text(const Job& job) {
  const std::string& name = tenants_.name(job.request.tenant);
  const config::TenantConfig& settings = settings_of(config, name);
  std::string caps;
  if (settings.max_pending != 0) caps = std::to_string(settings.max_pending) + " requests";
  if (settings.max_pending_bytes != 0) {
    if (!caps.empty()) caps += " and ";
    caps += std::to_string(settings.max_pending_bytes) + " bytes of payload";
  }
  return "tenant \"" + name + "\" may have at most " + caps + " live";
}

}  // namespace llmq::runtime
