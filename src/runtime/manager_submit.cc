// The way of a request from the caller into the inbox: checks, estimate, bounds, copy.
#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <new>
#include <utility>

#include "runtime/call_key.h"
#include "runtime/chunk.h"
#include "runtime/clock.h"
#include "runtime/deployments.h"
#include "runtime/ids.h"
#include "runtime/manager.h"
#include "runtime/request_check.h"

namespace llmq::runtime {
namespace {

// Nobody could ever learn of its end. Of a struct that is too small nothing is read.
bool goes_nowhere(const llmq_request_t& request) {
  return request.struct_size >= sizeof request && request.cq == nullptr &&
         request.done_fn == nullptr && (request.flags & LLMQ_REQUEST_KEEP) == 0;
}

// False when memory is used up; nothing is made for a request without texts.
bool copy_extra(const llmq_request_t& r, const Wire& wire, const Memory* memory, ExtraPtr* extra) {
  const std::string& wire_model = wire.prepared.model;
  if (r.tenant_len + r.request_key_len + r.dedup_key_len + r.metadata_len + wire_model.size() ==
          0 &&
      !wire.per_deployment) {
    return true;
  }
  try {
    ExtraPtr texts = make_extra(memory);
    texts->tenant.assign(r.tenant == nullptr ? "" : r.tenant, r.tenant_len);
    texts->request_key.assign(r.request_key == nullptr ? "" : r.request_key, r.request_key_len);
    texts->dedup_key.assign(r.dedup_key == nullptr ? "" : r.dedup_key, r.dedup_key_len);
    texts->metadata.assign(r.metadata == nullptr ? "" : static_cast<const char*>(r.metadata),
                           r.metadata_len);
    texts->wire_model = wire_model;
    if (wire.per_deployment) texts->made = std::make_unique<MadeBody>();
    *extra = std::move(texts);
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

// False when memory is used up.
bool add_stream(const std::shared_ptr<Loop>& loop, ExtraPtr* extra) {
  const auto buffer_bytes = static_cast<size_t>(loop->config.stream_buffer_bytes);
  try {
    if (*extra == nullptr) *extra = make_extra(loop->home->memory.get());
    (*extra)->stream = std::make_unique<Stream>();
    (*extra)->stream->buffer = std::make_shared<StreamBuffer>(loop, buffer_bytes);
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

// The time-out of a permit is that of whoever holds it. False when memory is used up.
bool add_lease(uint32_t lease_ms, const Memory* memory, ExtraPtr* extra) {
  try {
    if (*extra == nullptr) *extra = make_extra(memory);
    (*extra)->lease_ms = lease_ms;
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

// One thread waits for one response.
struct Waiter {
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  std::unique_ptr<Response> response;
};

void waiter_done(void* user, const llmq_event_t* event) {
  if (event->type != LLMQ_EV_DONE) return;
  auto* waiter = static_cast<Waiter*>(user);
  llmq_event_t copy = *event;
  std::unique_ptr<Response> response;
  try {
    response = take_event(copy);
  } catch (const std::bad_alloc&) {  // the one who waits hears of it
    response = nullptr;
  }
  const std::lock_guard<std::mutex> lock(waiter->mutex);
  waiter->response = std::move(response);
  waiter->done = true;
  waiter->changed.notify_one();
}

}  // namespace

// What is kept of the request: its payload, or that in the words of the provider.
std::string_view Manager::payload_of(const llmq_request_t& request, const Checked& checked) {
  if (checked.permit) return {};
  if (checked.wire.prepared.body) return *checked.wire.prepared.body;
  return {static_cast<const char*>(request.payload), request.payload_len};
}

core::Status Manager::inspect(const llmq_request_t& request, Checked* checked,
                              core::Error* why) const {
  if (const core::Status status = check_members(request, why); status != core::Status::kOk) {
    return status;
  }
  if (shut_down()) {
    return refuse(why, closed_status(), "", core::status_message(closed_status()));
  }
  const std::string_view name(request.model == nullptr ? "" : request.model, request.model_len);
  checked->entry = loop_->registry.find(name);
  if (checked->entry == nullptr) {
    return refuse(why, core::Status::kUnknownModel, "model",
                  "no model \"" + std::string(name) + "\" is registered");
  }
  const auto model = checked->entry->settings.read();
  checked->timeout_ms = timeout_ms_of(request, *model);
  checked->max_attempts = static_cast<uint8_t>(
      request.max_attempts != 0 ? request.max_attempts : model->retry.max_attempts);
  core::Status status = estimate_tokens(request, *model, caps_of(*model), &checked->entry->tokens,
                                        &checked->tokens, &checked->wire, why, checked->permit);
  if (status == core::Status::kOk && !checked->permit) {
    status = may_stream(request, *model, checked->tokens.streams, &checked->streams, why);
  }
  if (status == core::Status::kOk) status = fits_somewhere(*model, checked->tokens, why);
  return status;
}

core::Status Manager::submit(const llmq_request_t& request, llmq_request_id_t* id) {
  if (goes_nowhere(request)) return core::Status::kInvalidArg;
  Checked checked;
  if (const core::Status status = inspect(request, &checked, nullptr);
      status != core::Status::kOk) {
    return status;
  }
  const GatePass pass(loop_->gate);
  if (!pass) return core::Status::kClosed;
  Job* job = nullptr;
  if (const core::Status status = open_job(request, checked, &job); status != core::Status::kOk) {
    return status;
  }
  if (id != nullptr) *id = job->request.id;
  loop_->push(&job->node);
  return core::Status::kOk;
}

core::Status Manager::open_job(const llmq_request_t& request, const Checked& checked,
                               Job** job) const {
  if (shut_down()) return core::Status::kClosing;
  Home& home = *loop_->home;
  const uint64_t bytes = payload_of(request, checked).size();
  const uint64_t pending = home.pending.fetch_add(1, std::memory_order_relaxed);
  const uint64_t held = home.pending_bytes.fetch_add(bytes, std::memory_order_relaxed);
  core::Status status = core::Status::kOk;
  if (pending >= loop_->max_pending.load(std::memory_order_relaxed) ||
      held + bytes > loop_->max_pending_bytes.load(std::memory_order_relaxed)) {
    status = core::Status::kQueueFull;
  }
  *job = status == core::Status::kOk ? make_job(request, checked) : nullptr;
  if (*job != nullptr) return core::Status::kOk;
  home.pending.fetch_sub(1, std::memory_order_relaxed);
  home.pending_bytes.fetch_sub(bytes, std::memory_order_relaxed);
  return status == core::Status::kOk ? core::Status::kNoMem : status;
}

// Everything is copied; the record becomes visible by its id at the end. nullptr when memory is
// used up.
Job* Manager::make_job(const llmq_request_t& r, const Checked& checked) const {
  Home& home = *loop_->home;
  const Memory* const memory = home.memory.get();
  ExtraPtr extra;
  if (!copy_extra(r, checked.wire, memory, &extra) ||
      (checked.streams && !add_stream(loop_, &extra)) ||
      (checked.permit && !add_lease(checked.timeout_ms, memory, &extra))) {
    return nullptr;
  }
  const std::string_view body = payload_of(r, checked);
  void* const payload = body.empty() ? nullptr : home.copy_payload(body);
  if (payload == nullptr && !body.empty()) return nullptr;
  Job* job = home.jobs.take();
  if (job == nullptr) {
    Memory::give_back(memory, payload, body.size());
    return nullptr;
  }
  job->begin(home);
  core::Request& request = job->request;
  request.deadline = r.deadline_ns > 0 ? core::TimeNs{r.deadline_ns} : core::kNever;
  request.est_input_tokens = static_cast<uint32_t>(checked.tokens.input);
  request.est_output_tokens = static_cast<uint32_t>(checked.tokens.output);
  request.timeout_ms = checked.permit ? 0 : checked.timeout_ms;
  request.model = checked.entry->index;
  request.max_attempts = checked.permit ? 1 : checked.max_attempts;
  request.bytes = static_cast<uint32_t>(body.size());
  request.priority = static_cast<uint8_t>(r.priority) & 7;  // checked: LLMQ_PRIORITY_ are 0 to 4
  request.late_usage = (r.flags & (LLMQ_REQUEST_KEEP | LLMQ_REQUEST_LATE_USAGE)) != 0;
  request.restarts = (r.flags & LLMQ_REQUEST_RESTART) != 0;
  job->flags.store(static_cast<uint8_t>(r.flags | (checked.permit ? kPermitFlag : 0)),
                   std::memory_order_release);
  job->operation = static_cast<uint8_t>(r.operation);
  job->payload = payload;
  job->user_data = r.user_data;
  job->done_fn = r.done_fn;
  if (r.done_fn != nullptr) {
    job->done_user = r.done_user;
  } else {
    job->queue = reinterpret_cast<CompletionQueue*>(r.cq);
    if (job->queue != nullptr) job->queue->add_ref();
  }
  if (checked.streams) extra->stream->buffer->set_request(request.id);
  request.streams = checked.streams;
  if (r.dedup_key_len > 0) extra->call_hash = call_hash(extra->dedup_key, body);
  job->extra = extra.release();
  job->publish();
  return job;
}

core::Error Manager::check(const llmq_request_t& request) const {
  Checked checked;
  core::Error why;
  why.code = core::Status::kOk;
  if (inspect(request, &checked, &why) != core::Status::kOk) return why;
  if (goes_nowhere(request)) {
    return core::Error{core::Status::kInvalidArg, "cq and done_fn are both NULL, without KEEP",
                       "cq"};
  }
  const Home& home = *loop_->home;
  if (home.pending.load() >= loop_->max_pending.load(std::memory_order_relaxed)) {
    return core::Error{core::Status::kQueueFull,
                       std::to_string(home.pending.load()) +
                           " requests wait or run, max_pending is " +
                           std::to_string(loop_->max_pending.load()),
                       "max_pending"};
  }
  if (home.pending_bytes.load() + payload_of(request, checked).size() >
      loop_->max_pending_bytes.load(std::memory_order_relaxed)) {
    return core::Error{core::Status::kQueueFull,
                       "payloads hold " + std::to_string(home.pending_bytes.load()) +
                           " bytes, max_pending_bytes is " +
                           std::to_string(loop_->max_pending_bytes.load()),
                       "max_pending_bytes"};
  }
  return why;
}

core::Error Manager::estimate(const llmq_request_t& request, core::Usage* usage) const {
  Checked checked;
  core::Error why;
  why.code = core::Status::kOk;
  const GatePass pass(loop_->gate);
  if (!pass)
    return core::Error{core::Status::kClosed, core::status_message(core::Status::kClosed), ""};
  if (inspect(request, &checked, &why) != core::Status::kOk) return why;
  *usage = core::Usage{checked.tokens.likely_input, checked.tokens.output, 0, 0};
  usage->cost_micros = cost_of(checked.entry->settings.read()->deployments.front().prices, *usage);
  return why;
}

core::Status Manager::submit_wait(const llmq_request_t& request, int64_t timeout_ns,
                                  std::unique_ptr<Response>* response) {
  const core::Status fault = check_members(request, nullptr);  // before anything else is read
  if (fault != core::Status::kOk) return fault;
  if (request.cq != nullptr || request.done_fn != nullptr) return core::Status::kInvalidArg;
  if (Loop::on_any_loop_thread() || (external() && loop_->on_host_thread())) {
    return core::Status::kWrongThread;
  }
  Waiter waiter;
  llmq_request_t own = request;
  own.struct_size = sizeof own;
  own.done_fn = waiter_done;
  own.done_user = &waiter;
  llmq_request_id_t id = 0;
  if (const core::Status status = submit(own, &id); status != core::Status::kOk) return status;
  std::unique_lock<std::mutex> lock(waiter.mutex);
  const auto done = [&waiter] { return waiter.done; };
  bool timed_out = false;
  if (timeout_ns < 0) {
    waiter.changed.wait(lock, done);
  } else {
    constexpr int64_t kLongest = int64_t{86'400} * 365 * 1'000'000'000;
    const auto wait = std::chrono::nanoseconds(std::min(timeout_ns, kLongest));
    timed_out = !waiter.changed.wait_for(lock, wait, done);
  }
  if (timed_out) {  // the waiter lives on this stack: stay until the terminal event has come
    lock.unlock();
    cancel(id);
    lock.lock();
    waiter.changed.wait(lock, done);
    if (waiter.response == nullptr || waiter.response->summary.status == core::Status::kCancelled) {
      return core::Status::kTimeout;
    }
  }
  *response = std::move(waiter.response);
  return *response == nullptr ? core::Status::kNoMem : core::Status::kOk;
}

core::Status Manager::cancel(uint64_t id) {
  if (!is_request_id(id)) return core::Status::kInvalidArg;
  const GatePass pass(loop_->gate);
  if (!pass) return core::Status::kClosed;
  core::State state{};
  if (!is_live(id, &state) || core::is_final(state)) return core::Status::kStale;
  Loop* const loop = loop_.get();
  loop->post([loop, id] { loop->cancel(id); });
  return core::Status::kOk;
}

}  // namespace llmq::runtime
