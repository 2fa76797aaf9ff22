// What happens, told to the caller's hook, a function or a queue, and kept of attempts that fail.
#include <string>
#include <string_view>
#include <utility>

#include "core/limit/limit_names.h"
#include "runtime/hook_queue.h"
#include "runtime/ids.h"
#include "runtime/loop.h"

namespace llmq::runtime {
namespace {

using core::Notice;

constexpr bool is_bit(Notice::Kind kind, int hook) { return kind == static_cast<uint32_t>(hook); }
static_assert(is_bit(Notice::kSubmitted, LLMQ_HOOK_REQUEST_SUBMITTED) &&
              is_bit(Notice::kAdmitted, LLMQ_HOOK_ADMITTED) &&
              is_bit(Notice::kAttemptStarted, LLMQ_HOOK_ATTEMPT_STARTED) &&
              is_bit(Notice::kFirstByte, LLMQ_HOOK_FIRST_BYTE) &&
              is_bit(Notice::kAttemptFinished, LLMQ_HOOK_ATTEMPT_FINISHED) &&
              is_bit(Notice::kRetried, LLMQ_HOOK_RETRIED) &&
              is_bit(Notice::kBreakerChanged, LLMQ_HOOK_BREAKER_CHANGED) &&
              is_bit(Notice::kLimitChanged, LLMQ_HOOK_LIMIT_CHANGED) &&
              is_bit(Notice::kCompleted, LLMQ_HOOK_COMPLETED));

template <typename String>
void put(const String& text, const char*& data, uint64_t& len) {
  data = text.c_str();
  len = text.size();
}

void put_usage(const core::Usage& usage, llmq_hook_t& told) {
  told.usage_known = 1;
  told.input_tokens = usage.input_tokens;
  told.output_tokens = usage.output_tokens;
  told.cached_input_tokens = usage.cached_input_tokens;
  told.cost_micros = usage.cost_micros;
  told.reasoning_tokens = usage.reasoning_tokens;
}

// The engine does not know what the last attempt brought, once that is over. A late report may be
// about to write the outcome.
void put_request(const Notice& notice, const Job& job, llmq_hook_t& told) {
  told.request_id = job.request.id;
  if (notice.attempt > 0) told.attempt_id = attempt_id(job.request.id, notice.attempt);
  told.user_data = job.user_data;
  told.attempt = notice.attempt;
  told.new_value = notice.is_hedge ? 1 : 0;
  told.status = static_cast<llmq_status_t>(notice.status);
  told.state = static_cast<int32_t>(notice.state);
  told.queued_ns = notice.queued.ns;
  told.run_ns = notice.run.ns;
  told.delay_ns = notice.delay.ns;
  if (job.extra != nullptr) {
    put(job.extra->tenant, told.tenant, told.tenant_len);
    if (notice.kind == Notice::kCompleted) told.call_id = job.extra->shared.call;
  }
  const Outcome* const outcome = job.report_on_way ? nullptr : job.outcome;
  const bool is_last = notice.kind == Notice::kCompleted && outcome != nullptr &&
                       outcome->status == job.request.status;
  if (notice.usage_known) {
    put_usage(notice.usage, told);
  } else if (is_last && outcome->usage_known) {
    put_usage(outcome->usage, told);
  }
}

// " of pool account"; "" if it is none of the model's pools.
std::string pool_text(const ModelEntry& entry, core::PoolIndex index) {
  for (const DeploymentEntry* deployment : entry.called) {
    for (const PoolEntry* pool : deployment->pools) {
      if (pool->index != index) continue;
      return pool->name.empty() ? " of all deployments" : " of pool " + pool->name;
    }
  }
  return "";
}

}  // namespace

void Loop::set_hook(Hook hook) {
  drop_hook();
  if (hook.fn != nullptr || hook.queue != nullptr) hook_ = std::move(hook);
  step(core::Watch{(hook_.mask & Notice::kAll) | Notice::kTrouble});
}

void Loop::drop_hook() {
  if (hook_.queue != nullptr) {
    HookEvent* const last = hook_.queue->end(now_.mono.ns).release();
    enqueue(last->node, last->queue);
  }
  hook_ = Hook{};
}

void Loop::perform(const core::Tell& action) {
  const Notice notice = engine_.notice(action);  // a hook may lead to more of them
  const bool ended = notice.kind == Notice::kAttemptFinished;
  const bool trouble =
      ended && (notice.status != core::Status::kOk || notice.attempt > 1 || notice.was_hedged);
  if (trouble || notice.kind == Notice::kRetried) if_memory_lasts([&] { note_attempt(notice); });
  if_memory_lasts([&] { tell_hook(notice); });
}

// An attempt that failed, or followed one that did.
void Loop::note_attempt(const Notice& notice) {
  Job& job = *Job::of(notice.request);
  std::shared_ptr<AttemptLog>& log = attempt_logs_[&job];
  if (log == nullptr) log = std::make_shared<AttemptLog>();
  if (notice.kind == Notice::kRetried) return log->retried(notice);
  const std::vector<DeploymentEntry*>& called = entries_[notice.model]->called;
  const std::string& where =
      called[notice.deployment < called.size() ? notice.deployment : 0]->config.name;
  Job* const hedge = notice.is_hedge ? hedge_of(job) : nullptr;
  const Job& ran = hedge != nullptr ? *hedge : job;
  const Outcome* const outcome = ran.report_on_way ? nullptr : ran.outcome;
  if (outcome == nullptr || outcome->status != notice.status) {
    log->finished(notice, where, 0, core::status_message(notice.status));
  } else {
    log->finished(notice, where, outcome->http_status, outcome->message);
  }
}

// The request is over: its response tells of them.
void Loop::keep_attempts(Job& job) {
  const auto log = attempt_logs_.find(&job);
  if (log == attempt_logs_.end()) return;
  if (job.outcome != nullptr) job.outcome->attempts = std::move(log->second);
  attempt_logs_.erase(log);
}

void Loop::tell_hook(const Notice& notice) {
  if ((hook_.mask & notice.kind) == 0) return;
  const ModelEntry& entry = *entries_[notice.model];
  llmq_hook_t told{};
  told.struct_size = sizeof told;
  told.type = notice.kind;
  told.time_ns = notice.at.ns;
  told.deployment = told.tenant = told.limit = "";
  put(entry.config.name, told.model, told.model_len);
  if (notice.deployment < entry.called.size()) {
    put(entry.called[notice.deployment]->config.name, told.deployment, told.deployment_len);
  }
  std::string limit;
  if (notice.request != nullptr) {
    put_request(notice, *Job::of(notice.request), told);
  } else {
    told.old_value = notice.before;
    told.new_value = notice.after;
    told.status = static_cast<llmq_status_t>(notice.status);
    told.until_ns = notice.until.ns;
  }
  if (notice.kind == Notice::kLimitChanged) {
    core::LimitSpec spec;
    spec.kind = notice.limit;
    spec.period = notice.period;
    limit = core::limit_name(spec);
    limit += pool_text(entry, notice.pool);
    put(limit, told.limit, told.limit_len);
  }
  if (hook_.queue == nullptr) return hook_.fn(hook_.user->get(), &told);
  if (HookEvent* const event = hook_.queue->tell(told).release(); event != nullptr) {
    enqueue(event->node, event->queue);
  }
}

// A request whose model has gone before the engine has seen it.
void Loop::tell_of_stranger(Job& job) {
  Notice notice;
  notice.at = now_.mono;
  notice.model = job.request.model;
  notice.request = &job.request;
  if_memory_lasts([&] { tell_hook(notice); });
  tell_of_end(job);
}

// Of one that the engine has not ended.
void Loop::tell_of_end(Job& job) {
  Notice notice;
  notice.at = now_.mono;
  notice.model = job.request.model;
  notice.request = &job.request;
  notice.kind = Notice::kCompleted;
  notice.state = job.request.state;
  notice.status = job.request.status;
  if_memory_lasts([&] { tell_hook(notice); });
}

}  // namespace llmq::runtime
