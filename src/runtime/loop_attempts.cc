// Who runs an attempt: the caller's processor, the in-process mock, or the HTTP client.
#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include "http/client.h"
#include "provider/provider.h"
#include "runtime/api_key.h"
#include "runtime/clock.h"
#include "runtime/ids.h"
#include "runtime/lent_event.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "runtime/request_check.h"
#include "runtime/transport.h"

namespace llmq::runtime {

Outcome outcome_of(const provider::Outcome& from, int http_status, std::string_view body) {
  Outcome outcome;
  outcome.status = from.status;
  outcome.usage_known = from.usage_known;
  outcome.usage = from.usage;
  outcome.retry_after = from.retry_after;
  outcome.http_status = http_status;
  outcome.message = from.message;
  outcome.provider_request_id = from.provider_request_id;
  outcome.data = body;
  return outcome;
}

void Loop::run_processor(Job& job, const Processor& processor, uint8_t attempt) {
  job.holders.fetch_or(uint64_t{1} << attempt, std::memory_order_relaxed);
  job.live.store(live_word(job.request.id, attempt), std::memory_order_release);
  const llmq_event_t event = attempt_event(LLMQ_EV_READY, job, attempt);
  processor.fn(processor.user->get(), &event);
}

void Loop::stop_runner(Job& job, uint8_t attempt) {
  const Lease* const lease = leases_.find(attempt_id(job.request.id, attempt));
  if (lease != nullptr) return end_lease(*lease);
  const ModelEntry& entry = entry_of(job);
  switch (deployment_of(job).config.provider) {
    case config::ProviderKind::kNone:
      if (entry.processor != nullptr && entry.processor->cancel_fn != nullptr) {
        const std::shared_ptr<Processor> processor = entry.processor;
        const llmq_event_t event = attempt_event(LLMQ_EV_CANCEL_REQUESTED, job, attempt);
        processor->cancel_fn(processor->user->get(), &event);
      }
      break;
    case config::ProviderKind::kMock:
      stop_mock(job);
      break;
    case config::ProviderKind::kHttp:
      if (const auto call = http_calls_.find(&job); call != http_calls_.end()) {
        if (call->second.number != 0) http_->cancel(call->second.number);
        questions_.erase(call->second.question);
        http_calls_.erase(call);
        if (Stream* const stream = job.stream(); stream != nullptr) stream->end();
      }
      break;
  }
}

// What an answer tells of limits, as far as is known. A refusal of which no more is known than its
// status and wait is told too; valid until the next call.
const core::Observed* Loop::observed_in(const Outcome& outcome, const core::Observed* observed) {
  const bool refused = outcome.status == core::Status::kRateLimited;
  if (observed != nullptr && (observed->refused || !refused)) {
    return observed->empty() ? nullptr : observed;
  }
  if (!refused) return nullptr;
  told_ = observed != nullptr ? *observed : core::Observed{};
  told_.refused = true;
  told_.refusal.retry_after = outcome.retry_after;
  return &told_;
}

// What answers to calls that the loop knows nothing of have shown.
void Loop::observe(core::ModelIndex model, core::DeploymentIndex deployment,
                   const core::Observed& observed) {
  if (engine_.model(model) == nullptr) return;  // removed since it was looked up
  step(core::LimitsObserved{model, &observed, deployment});
}

// The result of an attempt that the loop itself runs. `observed` may be nullptr. Throws
// std::bad_alloc, and the attempt still runs: for nobody would hear of it any more.
void Loop::report(Job& job, uint8_t attempt, Outcome&& outcome, const core::Observed* observed,
                  Again again) {
  const uint32_t running = live_word(job.request.id, attempt);
  uint32_t live = running;
  if (!job.live.compare_exchange_strong(live, 0, std::memory_order_acq_rel)) return;
  Job& asked = asked_by(job);
  try {
    end_attempt(job, attempt, std::move(outcome), observed, again);
  } catch (const std::bad_alloc&) {
    home->drop_outcome(job);
    job.live.store(running, std::memory_order_release);
    throw;
  }
  end_permit(asked);
  publish_retry(asked);
}

void Loop::end_attempt(Job& job, uint8_t attempt, Outcome&& outcome, const core::Observed* observed,
                       Again again) {
  const DeploymentEntry& entry = deployment_of(job);
  if (outcome.usage_known) price(entry, outcome.usage);
  if (again == Again::kNever) job.request.max_attempts = attempt;
  Job& asked = asked_by(job);
  const core::AttemptFinished event{&asked.request,
                                    attempt,
                                    outcome.status,
                                    outcome.usage_known,
                                    outcome.usage,
                                    outcome.retry_after,
                                    observed_in(outcome, observed),
                                    again == Again::kAtOnce};
  if (outcome.status != core::Status::kOk && log->on(LLMQ_LOG_INFO)) {
    if_memory_lasts([&] {
      const std::string& name = entry.config.name;
      log->info("{}: attempt {}{} failed: {}: {}", log_name(asked), attempt,
                name.empty() ? "" : " at deployment " + name, core::status_name(outcome.status),
                one_line(outcome.message));
    });
  }
  if_memory_lasts([&] {
    learn_tokens(job, outcome);
    hear_of_quota(job, outcome);
  });
  job.outcome = home->store(std::move(outcome));
  http_calls_.erase(&job);
  touch(job.request.model);
  step(event);
}

void Loop::fail_http(Job& job, uint8_t attempt, core::Error why) {
  provider::Outcome outcome;
  outcome.status = why.code;
  outcome.message = std::move(why.message);
  report(job, attempt, outcome_of(outcome, 0, {}));
}

#if defined(LLMQ_HAVE_HTTP)

namespace {

std::string_view payload_of(const Job& job) {
  return {static_cast<const char*>(job.payload), job.request.bytes};
}

// After body_for().
std::string_view named_in_url(const Job& job) {
  if (job.extra == nullptr) return "";
  if (job.extra->made != nullptr) return job.extra->made->model;
  return job.extra->wire_model;
}

}  // namespace

bool Loop::http_client_ready(Job& job, uint8_t attempt) {
  if (http_ != nullptr) return true;
  http::ClientOptions options;
  options.max_connections = config.max_connections;
  auto client = http::create_client(&loop_, options);
  if (client) {
    http_ = std::move(client.value());
    return true;
  }
  provider::Outcome outcome;
  outcome.status = client.error().code;
  outcome.message = client.error().message;
  report(job, attempt, outcome_of(outcome, 0, {}));
  return false;
}

// What goes over the wire for the payload; valid while the attempt runs.
core::Result<std::string_view> Loop::body_for(Job& job, const DeploymentEntry& entry) {
  if (job.extra == nullptr || job.extra->made == nullptr) return payload_of(job);
  MadeBody& made = *job.extra->made;
  const std::string_view payload = made.payload ? *made.payload : payload_of(job);
  if (made.deployment != entry.index) {
    auto prepared =
        provider::prepare(endpoint_of(entry.config),
                          static_cast<provider::Operation>(job.operation), payload, false, 0);
    if (!prepared) return prepared.error();
    made.deployment = entry.index;
    made.body = std::move(prepared.value().body);
    made.model = std::move(prepared.value().model);
  }
  return made.body ? std::string_view(*made.body) : payload;
}

void Loop::run_http(Job& job, DeploymentEntry& entry, uint8_t attempt) {
  job.live.store(live_word(job.request.id, attempt), std::memory_order_relaxed);
  if (!http_client_ready(job, attempt)) return;
  if (entry.key.look_at_file(now_.mono)) {
    log->info("{}: its key file has changed", entry.config.title());
  }
  const auto runner = std::make_shared<Job*>(&job);
  if (is_asked_by_event(entry)) {
    HttpCall& waiting = http_calls_[&job];
    waiting.runner = runner;
    waiting.question = ask_for_key({job.request.model, &entry, runner, attempt, nullptr});
    return;
  }
  auto key = key_for(entry.key_fn, entry);
  if (!key) {
    note_refused_key(job, entry, kNoKey);
    return fail_http(job, attempt, key.error());
  }
  send_http(runner, attempt, key.value());
}

void Loop::send_http(const std::shared_ptr<Job*>& runner, uint8_t attempt, std::string& key) {
  Job& job = **runner;
  DeploymentEntry& entry = deployment_of(job);
  const config::DeploymentConfig& config = entry.config;
  const auto operation = static_cast<provider::Operation>(job.operation);
  const auto body = body_for(job, entry);
  if (!body) return fail_http(job, attempt, body.error());
  auto wire = provider::build_request(endpoint_of(config), operation, named_in_url(job),
                                      job.stream() != nullptr, key);
  const size_t fingerprint = std::hash<std::string>()(key);
  wipe(key);
  if (!wire) return fail_http(job, attempt, wire.error());

  http::Call call;
  call.wire = std::move(wire.value());
  call.body = body.value();
  call.transport = transport_of(config);
  if (job.stream() != nullptr) stream_http(runner, *config.profile, attempt, call);
  HttpCall& running = http_calls_[&job];
  running = HttpCall{0, 0, runner};
  try {
    running.number = http_->start(
        std::move(call),
        [this, runner, attempt] {
          now_ = now();
          or_break([&] { step(core::AttemptSent{&asked_by(**runner).request, attempt}); });
        },
        [this, runner, attempt, profile = config.profile, fingerprint](http::CallResult result) {
          if (broken_) return;
          try {
            end_http(**runner, attempt, *profile, fingerprint, std::move(result));
          } catch (const std::bad_alloc&) {
            or_break([&] { fail_for_memory(**runner, attempt); });
          }
        });
  } catch (const std::bad_alloc&) {
    http_calls_.erase(&job);
    throw;
  }
}

void Loop::end_http(Job& runner, uint8_t attempt, const provider::Profile& profile, size_t key,
                    http::CallResult&& result) {
  now_ = now();
  Job* on = &runner;
  const bool streams = runner.stream() != nullptr;
  const int http_status = result.response.http_status;
  std::string body = std::move(result.response.body);
  provider::Outcome outcome;
  if (result.status != core::Status::kOk) {
    outcome.status = result.status;
    outcome.message = std::move(result.message);
  } else if (streams && http_status >= 200 && http_status <= 299) {
    outcome = end_stream(on, attempt, result.response, body);
    if (on == nullptr) return;  // given up
  } else {
    result.response.body = std::move(body);
    outcome = provider::parse_response(profile, static_cast<provider::Operation>(runner.operation),
                                       result.response, now_.wall_unix_ms);
    body = std::move(result.response.body);
  }
  Job& job = *on;
  if (streams) job.stream()->end();
  Again again = result.permanent ? Again::kNever : Again::kAsTheStatusSays;
  const core::Observed observed = outcome.observed;
  if (outcome.status == core::Status::kAuth) {
    if (is_asked_by_event(deployment_of(job)) && !job.met_new_key) {
      RefusedAttempt refused;
      refused.outcome = outcome_of(outcome, http_status, body);
      refused.observed = observed;
      refused.permanent = result.permanent;
      refused.key = key;
      return ask_again(job, attempt, std::move(refused));
    }
    if (has_new_key(job, key)) again = Again::kAtOnce;
    if (again != Again::kAtOnce) note_refused_key(job, deployment_of(job), key);
  }
  report(job, attempt, outcome_of(outcome, http_status, body), &observed, again);
}

#else

namespace {

core::Error no_client() {
  return {core::Status::kUnsupported, "this build has no HTTP client", ""};
}

}  // namespace

void Loop::run_http(Job& job, DeploymentEntry&, uint8_t attempt) {
  job.live.store(live_word(job.request.id, attempt), std::memory_order_relaxed);
  fail_http(job, attempt, no_client());
}

// No attempt gets as far as a question for its key.
void Loop::send_http(const std::shared_ptr<Job*>& runner, uint8_t attempt, std::string&) {
  fail_http(**runner, attempt, no_client());
}

#endif

}  // namespace llmq::runtime
