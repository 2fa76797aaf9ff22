// Requests that go to another model: made ready for it.
#include <algorithm>
#include <utility>

#include "provider/provider.h"
#include "runtime/ids.h"
#include "runtime/loop.h"
#include "runtime/request_check.h"

namespace llmq::runtime {

void Loop::perform(const core::FallBack& action) {
  Job& job = *Job::of(action.request);
  if (core::is_final(job.request.state)) return;  // cancelled meanwhile
  job.fell_back = true;
  if (job.request.role == core::Role::kFlight) {
    const Flight& flight = *job.extra->shared.flight;
    for (Job* follower : flight.followers) follower->fell_back = true;
    publish_followers(flight);
  }
  job.node.deployment = 0;
  touch(action.from);
  touch(job.request.model);
  if (job.request.tenant != 0) {
    if_memory_lasts([&] { touched_tenants_.push_back({action.from, job.request.tenant}); });
  }
  touch_tenant(job);
  if (job.is_permit()) expect_permits(job);
  const ModelEntry& entry = entry_of(job);
  const auto settings = entry.settings.read();
  job.request.max_attempts = static_cast<uint8_t>(std::min<uint32_t>(
      kMaxAttempts, job.request.attempts + (job.is_permit() ? 1 : settings->retry.max_attempts)));
  if (log->on(LLMQ_LOG_INFO)) {
    const char* const why = action.why == core::Status::kOk ? "it has waited for too long"
                                                            : core::status_name(action.why);
    if_memory_lasts([&] {
      log->info("{}: falls back from model {}: {}", log_name(job),
                entries_[action.from]->config.name, why);
    });
  }
  core::Status ready = core::Status::kNoMem;
  if_memory_lasts([&] { ready = prepare_fallback(job, *settings); });
  step(core::FellBack{&job.request, ready});
}

// The payload names the new model, which must be able to say it to its provider.
core::Status Loop::prepare_fallback(Job& job, const ModelSettings& settings) {
  if (job.extra == nullptr || job.extra->made == nullptr) return core::Status::kOk;
  MadeBody& made = *job.extra->made;
  const auto operation = static_cast<provider::Operation>(job.operation);
  const std::string_view payload(static_cast<const char*>(job.payload), job.request.bytes);
  made.payload.reset();
  made.deployment = MadeBody::kNone;
  bool reads = false;
  for (const size_t form : settings.forms) {
    const config::DeploymentConfig& config = settings.deployments[form];
    if (!reads_payloads(config, operation)) continue;
    reads = true;
    const auto looked = look_into(config, settings.est_output_tokens, operation, payload);
    if (looked) continue;
    if (job.report_on_way) return looked.error().code;  // the outcome is its runner's until then
    Outcome outcome;
    outcome.status = looked.error().code;
    outcome.message = "fallback to " + config.title() + ": " + looked.error().message;
    home->drop_outcome(job);
    job.outcome = home->store(std::move(outcome));
    return looked.error().code;
  }
  if (reads) made.payload = provider::with_model(payload, settings.name);
  return core::Status::kOk;
}

}  // namespace llmq::runtime
