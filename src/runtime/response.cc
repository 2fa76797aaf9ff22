#include "runtime/response.h"

#include <algorithm>
#include <utility>

#include "runtime/completion_queue.h"

namespace llmq::runtime {
namespace {

// Without an outcome (out of memory) the end is not known better than this.
core::TimeNs end_of(const Job& job) {
  if (job.outcome != nullptr) return job.outcome->finished;
  return std::max(job.request.submitted, job.request.started,
                  [](core::TimeNs a, core::TimeNs b) { return a < b; });
}

}  // namespace

Summary summary_of(const Job& job) {
  Summary summary;
  summary.id = job.request.id;
  const bool shared = job.extra != nullptr && job.extra->shared.call != 0;
  summary.charged = shared ? job.extra->shared.call : summary.id;
  summary.state = job.request.state;
  summary.status = job.request.status;
  summary.attempts = job.request.attempts;
  summary.model = job.request.model;
  summary.deployment = job.node.deployment;
  summary.submitted = job.request.submitted;
  summary.started = job.request.started;
  summary.finished = end_of(job);
  if (job.outcome != nullptr) {
    summary.flags = job.outcome->flags;
    summary.usage_known = job.outcome->usage_known;
    summary.usage = job.outcome->usage;
    summary.http_status = job.outcome->http_status;
    summary.first_output = job.outcome->first_output;
  }
  return summary;
}

std::unique_ptr<Response> take_response(Job& job) {
  auto response = std::make_unique<Response>(job.home->memory);
  response->summary = summary_of(job);
  take_texts(job, *response);
  return response;
}

void take_texts(Job& job, Response& response) {
  // Who still runs an attempt that was given up may look at the texts of its request.
  if (job.holders.load(std::memory_order_acquire) != kRequestHolder) {
    return copy_texts(job, response);
  }
  if (job.outcome != nullptr) {
    response.data = std::move(job.outcome->data);
    response.message = std::move(job.outcome->message);
    response.provider_request_id = std::move(job.outcome->provider_request_id);
    response.attempts = std::move(job.outcome->attempts);
    response.model = std::move(job.outcome->model);
    response.deployment = std::move(job.outcome->deployment);
  }
  if (job.extra != nullptr) {
    response.request_key = std::move(job.extra->request_key);
    response.metadata = std::move(job.extra->metadata);
  }
}

void copy_texts(const Job& job, Response& response) {
  if (job.outcome != nullptr) {
    response.data = job.outcome->data;
    response.message = job.outcome->message;
    response.provider_request_id = job.outcome->provider_request_id;
    response.attempts = job.outcome->attempts;
    response.model = job.outcome->model;
    response.deployment = job.outcome->deployment;
  }
  if (job.extra != nullptr) {
    response.request_key = job.extra->request_key;
    response.metadata = job.extra->metadata;
  }
}

void fill_done_event(Job& job, llmq_event_t& event) {
  const core::TimeNs no_start{};
  const bool ran = job.request.started != no_start;
  event.type = LLMQ_EV_DONE;
  event.status = static_cast<llmq_status_t>(job.request.status);
  event.flags = job.outcome == nullptr ? 0 : job.outcome->flags;
  event.request_id = job.request.id;
  event.attempt_id = 0;
  event.user_data = job.user_data;
  event.handle = &job;
  event.queued_ns = ((ran ? job.request.started : end_of(job)) - job.request.submitted).ns;
  event.run_ns = ran ? (end_of(job) - job.request.started).ns : 0;
  event.attempt = job.request.attempts;
  event.state = static_cast<int32_t>(job.request.state);
  const Outcome* outcome = job.outcome;
  event.data = outcome == nullptr ? "" : outcome->data.c_str();
  event.data_len = outcome == nullptr ? 0 : outcome->data.size();
  event.retry_after_ns = outcome == nullptr ? 0 : outcome->retry_after.ns;
  event.input_tokens = outcome == nullptr ? 0 : outcome->usage.input_tokens;
  event.output_tokens = outcome == nullptr ? 0 : outcome->usage.output_tokens;
  event.cached_input_tokens = outcome == nullptr ? 0 : outcome->usage.cached_input_tokens;
  event.cost_micros = outcome == nullptr ? 0 : outcome->usage.cost_micros;
  event.reasoning_tokens = outcome == nullptr ? 0 : outcome->usage.reasoning_tokens;
  event.first_output_ns = outcome == nullptr ? 0 : outcome->first_output.ns;
}

namespace {

// A text of what may be missing; "" then.
template <typename From, typename Text, typename Data>
void read_text(const From* from, Text From::*text, Data*& data, size_t& len) {
  data = from == nullptr ? "" : (from->*text).c_str();
  len = from == nullptr ? 0 : (from->*text).size();
}

}  // namespace

void read_outcome(const llmq_event_t& event, llmq_outcome_t& to) {
  const Job& job = *static_cast<const Job*>(event.handle);
  const Outcome* const from = job.outcome;
  to.http_status = from == nullptr ? 0 : from->http_status;
  to.usage_known = from != nullptr && from->usage_known ? 1 : 0;
  to.has_history = from != nullptr && from->attempts != nullptr ? 1 : 0;
  read_text(from, &Outcome::message, to.error, to.error_len);
  read_text(from, &Outcome::provider_request_id, to.provider_request_id,
            to.provider_request_id_len);
  read_text(from, &Outcome::deployment, to.deployment, to.deployment_len);
  read_text(from, &Outcome::model, to.fallback_model, to.fallback_model_len);
  const Extra* const asked = job.extra;
  read_text(asked, &Extra::request_key, to.request_key, to.request_key_len);
  read_text(asked, &Extra::metadata, to.metadata, to.metadata_len);
}

bool event_is_inherited(const llmq_event_t& event) {
  const CompletionQueue* cq = static_cast<const Job*>(event.handle)->cq();
  return cq != nullptr && cq->forked();
}

std::unique_ptr<Response> take_event(llmq_event_t& event) {
  if (event.type != LLMQ_EV_DONE || event.handle == nullptr) return nullptr;
  Job& job = *static_cast<Job*>(event.handle);
  std::unique_ptr<Response> response = take_response(job);
  event.handle = nullptr;
  event.data = nullptr;
  event.data_len = 0;
  if (CompletionQueue* cq = job.cq(); cq != nullptr) {  // a callback's job is released by the loop
    Home::release(job, kRequestHolder);
    cq->drop_refs(1);
  }
  return response;
}

}  // namespace llmq::runtime
