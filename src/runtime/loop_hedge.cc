// Second calls of requests that are slow (core/hedge.h). Each has a record of its own that nobody
// else knows: with its own connection, stream and outcome, which become the request's when the
// engine says so.
#include <new>
#include <utility>

#include "provider/stream_reader.h"
#include "runtime/chunk.h"
#include "runtime/ids.h"
#include "runtime/loop.h"

namespace llmq::runtime {
void Loop::start_hedge(Job& job, const core::StartAttempt& action) {
  drop_hedge(job);  // of an attempt before this one
  touch(job.request.model);
  Job* const twin = make_hedge(job, action);
  if (twin == nullptr) {  // no memory: the request goes on without
    step(core::AttemptFinished{&job.request, action.attempt, core::Status::kInternal});
    return;
  }
  DeploymentEntry& entry = deployment_of(*twin);
  try {
    if (entry.config.provider == config::ProviderKind::kMock) {
      run_mock(*twin, entry, action.attempt);
    } else {
      run_http(*twin, entry, action.attempt);
    }
  } catch (const std::bad_alloc&) {
    fail_for_memory(*twin, action.attempt);
  }
}

// nullptr: there is no memory for it.
Job* Loop::make_hedge(Job& job, const core::StartAttempt& action) {
  Job* const twin = home->jobs.take();
  if (twin == nullptr) return nullptr;
  twin->begin(*home);
  try {
    fill_hedge(twin, job, action);
    hedges_[&job] = twin;
  } catch (const std::bad_alloc&) {
    Home::release(*twin, kRequestHolder);
    return nullptr;
  }
  twin->publish();
  return twin;
}

// What its call needs is copied: the first one goes on with its own.
void Loop::fill_hedge(Job* twin, Job& job, const core::StartAttempt& action) {
  twin->is_hedge = true;
  const size_t bytes = job.request.bytes;
  if (job.payload != nullptr && bytes > 0) {
    twin->payload = home->copy_payload({static_cast<const char*>(job.payload), bytes});
    if (twin->payload == nullptr) throw std::bad_alloc();
  }
  core::Request& request = twin->request;
  request.bytes = job.request.bytes;
  request.model = job.request.model;
  request.tenant = job.request.tenant;
  request.priority = job.request.priority;
  request.est_input_tokens = job.request.est_input_tokens;
  request.est_output_tokens = job.request.est_output_tokens;
  request.timeout_ms = job.request.timeout_ms;
  request.attempts = action.attempt;
  request.submitted = job.request.submitted;
  request.started = now_.mono;
  twin->operation = job.operation;
  twin->user_data = job.user_data;
  twin->node.deployment = action.deployment;
  twin->extra = make_extra(home->memory.get()).release();
  twin->extra->hedge_of = &job;
  if (job.extra != nullptr) {
    twin->extra->wire_model = job.extra->wire_model;
    if (job.extra->made != nullptr) {
      twin->extra->made = std::make_unique<MadeBody>();
      twin->extra->made->payload = job.extra->made->payload;
    }
  }
  if (const Stream* const stream = job.stream(); stream != nullptr) {
    twin->extra->stream = std::make_unique<Stream>();
    twin->extra->stream->buffer = stream->buffer->another(request.id);
  }
}

// The request that is called: the job's own, or the one that it is a second call of.
Job& Loop::asked_by(Job& job) { return job.is_hedge ? *job.extra->hedge_of : job; }

Job* Loop::hedge_of(const Job& job) {
  if (hedges_.empty()) return nullptr;
  const auto found = hedges_.find(&job);
  return found == hedges_.end() ? nullptr : found->second;
}

// What `job` has just told the engine may have decided between two calls. Who goes on with this
// one; nullptr: nobody.
Job* Loop::decide(Job& job, uint8_t attempt) {
  if (!job.is_hedge) return &job;
  Job& asked = asked_by(job);
  const uint32_t running = live_word(asked.request.id, attempt);
  perform_all();
  return asked.live.load(std::memory_order_acquire) == running ? &asked : nullptr;
}

// The engine has given it up. False: that attempt is none.
bool Loop::abort_hedge(Job& job, uint8_t attempt) {
  Job* const twin = hedge_of(job);
  if (twin == nullptr || twin->request.attempts != attempt) return false;
  if (twin->live.exchange(0, std::memory_order_acq_rel) != 0) stop_runner(*twin, attempt);
  drop_hedge(job);
  return true;
}

void Loop::drop_hedge(const Job& job) {
  if (hedges_.empty()) return;
  const auto found = hedges_.find(&job);
  if (found == hedges_.end()) return;
  Job* const twin = found->second;
  hedges_.erase(found);
  Home::release(*twin, kRequestHolder);
}

// The second call is the request's only one: what it has becomes the request's.
void Loop::perform(const core::TakeOver& action) {
  Job& job = *Job::of(action.request);
  Job* const twin = hedge_of(job);
  if (twin == nullptr) return;
  touch(job.request.model);
  home->drop_outcome(job);
  job.outcome = std::exchange(twin->outcome, nullptr);
  const bool runs = twin->live.exchange(0, std::memory_order_acq_rel) != 0;
  job.live.store(runs ? live_word(job.request.id, action.attempt) : 0, std::memory_order_release);
  job.node.deployment = twin->node.deployment;
  std::swap(job.payload, twin->payload);
  if (job.extra != nullptr) {
    std::swap(job.extra->made, twin->extra->made);
    std::swap(job.extra->stream, twin->extra->stream);
    if (Stream* const stream = job.stream(); stream != nullptr) {
      stream->buffer->set_request(job.request.id);
      for (std::unique_ptr<Chunk>& chunk : stream->held_back) {
        chunk->request_id = chunk->call_id = job.request.id;
      }
    }
  }
  hand_over_mock(*twin, job);
  if (auto call = http_calls_.extract(twin); !call.empty()) {
    *call.mapped().runner = &job;
    call.key() = &job;
    http_calls_.insert(std::move(call));
  }
  drop_hedge(job);
}

}  // namespace llmq::runtime
