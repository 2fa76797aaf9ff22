// The way of a request from the caller into the inbox: checks, estimate, bounds, copy.
#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <mutex>
#include <new>
#include <utility>

#include "core/limit/limit_names.h"
#include "provider/provider.h"
#include "runtime/clock.h"
#include "runtime/ids.h"
#include "runtime/manager.h"
#include "runtime/struct_tail.h"

namespace llmq::runtime {
namespace {

constexpr size_t kMaxTenant = 255;
constexpr size_t kMaxRequestKey = 1024;
constexpr int64_t kMaxEstimate = std::numeric_limits<uint32_t>::max();
constexpr uint32_t kKnownFlags = LLMQ_REQUEST_KEEP | LLMQ_REQUEST_LATE_USAGE;
constexpr int64_t kBytesPerToken = 4;

core::Status refuse(core::Error* why, core::Status status, const char* key, std::string message) {
  if (why != nullptr) *why = core::Error{status, std::move(message), key};
  return status;
}

std::string between(const char* name, int64_t value, int64_t low, int64_t high) {
  return std::string(name) + " is " + std::to_string(value) + ", must be " + std::to_string(low) +
         " .. " + std::to_string(high);
}

bool bad_text(const void* data, size_t len) { return data == nullptr && len != 0; }

bool uses_reserved(const llmq_request_t& request) {
  return request.reserved0 != 0 ||
         std::any_of(std::begin(request.reserved), std::end(request.reserved),
                     [](uint64_t word) { return word != 0; });
}

core::Status check_members(const llmq_request_t& r, core::Error* why) {
  const auto invalid = [why](const char* key, std::string message) {
    return refuse(why, core::Status::kInvalidArg, key, std::move(message));
  };
  if (r.struct_size < sizeof(llmq_request_t) || r.struct_size > kMostStructSize) {
    return invalid("struct_size", "struct_size is " + std::to_string(r.struct_size) +
                                      ", must be sizeof(llmq_request_t) = " +
                                      std::to_string(sizeof(llmq_request_t)));
  }
  if (uses_reserved(r) || !readable(r, r.struct_size)) {
    return invalid("reserved", "reserved members, and those of a later version, must be zero");
  }
  if ((r.flags & ~kKnownFlags) != 0) {
    return invalid("flags", "flags has unknown bits: " + std::to_string(r.flags));
  }
  if (r.operation < LLMQ_OP_CHAT || r.operation > LLMQ_OP_CUSTOM) {
    return invalid("operation", between("operation", r.operation, LLMQ_OP_CHAT, LLMQ_OP_CUSTOM));
  }
  if (r.priority < LLMQ_PRIORITY_DEFAULT || r.priority > LLMQ_PRIORITY_BATCH) {
    return invalid("priority",
                   between("priority", r.priority, LLMQ_PRIORITY_DEFAULT, LLMQ_PRIORITY_BATCH));
  }
  if (bad_text(r.model, r.model_len) || bad_text(r.tenant, r.tenant_len) ||
      bad_text(r.payload, r.payload_len) || bad_text(r.request_key, r.request_key_len) ||
      bad_text(r.dedup_key, r.dedup_key_len) || bad_text(r.metadata, r.metadata_len)) {
    return invalid("", "a pointer is NULL while its length is not 0");
  }
  if (r.tenant_len > kMaxTenant || r.request_key_len > kMaxRequestKey ||
      r.dedup_key_len > kMaxRequestKey) {
    return invalid("tenant", "tenant has at most 255 bytes, request_key and dedup_key 1024");
  }
  if (r.payload_len >= size_t{1} << 31) {
    return refuse(why, core::Status::kOversize, "payload_len",
                  between("payload_len", static_cast<int64_t>(r.payload_len), 0, INT32_MAX));
  }
  if (r.deadline_ns < -1) return invalid("deadline_ns", "deadline_ns is negative and not -1");
  if (r.timeout_ns < -1) return invalid("timeout_ns", "timeout_ns is negative and not -1");
  if (r.est_input_tokens < -1 || r.est_input_tokens > kMaxEstimate) {
    return invalid("est_input_tokens",
                   between("est_input_tokens", r.est_input_tokens, -1, kMaxEstimate));
  }
  if (r.est_output_tokens < -1 || r.est_output_tokens > kMaxEstimate) {
    return invalid("est_output_tokens",
                   between("est_output_tokens", r.est_output_tokens, -1, kMaxEstimate));
  }
  if (r.max_attempts > kMaxAttempts) {
    return invalid("max_attempts", between("max_attempts", r.max_attempts, 0, kMaxAttempts));
  }
  if (r.cq != nullptr && r.done_fn != nullptr) return invalid("cq", "cq and done_fn are both set");
  if (r.cq != nullptr && reinterpret_cast<CompletionQueue*>(r.cq)->magic != kQueueMagic) {
    return invalid("cq", "cq is not a completion queue");
  }
  return core::Status::kOk;
}

// Nobody could ever learn of its end.
bool goes_nowhere(const llmq_request_t& request) {
  return request.cq == nullptr && request.done_fn == nullptr &&
         (request.flags & LLMQ_REQUEST_KEEP) == 0;
}

uint32_t timeout_ms_of(const llmq_request_t& request, const config::ModelConfig& model) {
  int64_t ns = request.timeout_ns;
  if (ns == 0) ns = model.timeout.ns;
  if (ns <= 0) return 0;
  const int64_t ms = ns / 1'000'000 + (ns % 1'000'000 > 0 ? 1 : 0);
  return static_cast<uint32_t>(std::min<int64_t>(ms, std::numeric_limits<uint32_t>::max()));
}

// The most tokens of the given kinds that a call may count without exceeding a limit of its own
// accord.
int64_t most_tokens(const config::ModelConfig& model, core::LimitKind own_kind, int64_t others) {
  int64_t most = kMaxEstimate;
  for (const core::LimitSpec& limit : model.limits) {
    if (limit.kind == own_kind) most = std::min(most, limit.amount);
    if (limit.kind == core::LimitKind::kTokens) {
      most = std::min(most, std::max<int64_t>(limit.amount - others, 0));
    }
  }
  return most;
}

// False when memory is used up; nothing is made for a request without texts.
bool copy_extra(const llmq_request_t& r, std::unique_ptr<Extra>* extra) {
  if (r.tenant_len + r.request_key_len + r.dedup_key_len + r.metadata_len == 0) return true;
  try {
    auto texts = std::make_unique<Extra>();
    texts->tenant.assign(r.tenant == nullptr ? "" : r.tenant, r.tenant_len);
    texts->request_key.assign(r.request_key == nullptr ? "" : r.request_key, r.request_key_len);
    texts->dedup_key.assign(r.dedup_key == nullptr ? "" : r.dedup_key, r.dedup_key_len);
    texts->metadata.assign(r.metadata == nullptr ? "" : static_cast<const char*>(r.metadata),
                           r.metadata_len);
    *extra = std::move(texts);
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
  auto* waiter = static_cast<Waiter*>(user);
  llmq_event_t copy = *event;
  std::unique_ptr<Response> response = take_event(copy);
  const std::lock_guard<std::mutex> lock(waiter->mutex);
  waiter->response = std::move(response);
  waiter->done = true;
  waiter->changed.notify_one();
}

}  // namespace

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
  const config::ModelConfig& model = checked->entry->config;
  checked->timeout_ms = timeout_ms_of(request, model);
  checked->max_attempts = static_cast<uint8_t>(
      request.max_attempts != 0 ? request.max_attempts : model.retry.max_attempts);
  if (const core::Status status = estimate(request, checked, why); status != core::Status::kOk) {
    return status;
  }
  return fits_limits(*checked, why);
}

// What the caller says counts; else what the payload says; else a guess that never makes a request
// oversize.
core::Status Manager::estimate(const llmq_request_t& request, Checked* checked,
                               core::Error* why) const {
  const config::ModelConfig& model = checked->entry->config;
  const std::string_view payload(static_cast<const char*>(request.payload), request.payload_len);
  const auto operation = static_cast<provider::Operation>(request.operation);
  const bool built_in = model.provider != config::ProviderKind::kNone;
  int64_t input = std::min<int64_t>(
      (static_cast<int64_t>(payload.size()) + kBytesPerToken - 1) / kBytesPerToken, kMaxEstimate);
  bool output_is_default = operation != provider::Operation::kEmbeddings;
  int64_t output = output_is_default ? model.est_output_tokens : 0;
  if (built_in && !(model.provider == config::ProviderKind::kMock &&
                    operation == provider::Operation::kCustom)) {
    const auto seen = provider::inspect_payload(operation, payload, model.est_output_tokens);
    if (!seen) return refuse(why, seen.error().code, "payload", seen.error().message);
    input = seen.value().input_tokens;
    output = seen.value().output_tokens;
    output_is_default = seen.value().output_is_default;
  } else {
    input = std::min(input, most_tokens(model, core::LimitKind::kInputTokens, 0));
  }
  if (request.est_input_tokens != 0) input = std::max<int64_t>(request.est_input_tokens, 0);
  if (request.est_output_tokens != 0) {
    output = std::max<int64_t>(request.est_output_tokens, 0);
  } else if (output_is_default) {
    output = std::min(output, most_tokens(model, core::LimitKind::kOutputTokens, input));
  }
  checked->input_tokens = std::min(input, kMaxEstimate);
  checked->output_tokens = std::min(output, kMaxEstimate);
  return core::Status::kOk;
}

core::Status Manager::fits_limits(const Checked& checked, core::Error* why) const {
  for (const core::LimitSpec& limit : checked.entry->config.limits) {
    int64_t cost = 0;
    switch (limit.kind) {
      case core::LimitKind::kTokens:
        cost = checked.input_tokens + checked.output_tokens;
        break;
      case core::LimitKind::kInputTokens:
        cost = checked.input_tokens;
        break;
      case core::LimitKind::kOutputTokens:
        cost = checked.output_tokens;
        break;
      default:
        break;
    }
    if (cost <= limit.amount) continue;
    return refuse(why, core::Status::kOversize, "",
                  "the request needs " + std::to_string(cost) + " of limit " +
                      core::limit_name(limit) + " of model " + checked.entry->config.name +
                      ", which is " + std::to_string(limit.amount));
  }
  return core::Status::kOk;
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
  if (shut_down()) return core::Status::kClosing;
  Home& home = *loop_->home;
  const uint64_t bytes = request.payload_len;
  const uint64_t pending = home.pending.fetch_add(1, std::memory_order_relaxed);
  const uint64_t held = home.pending_bytes.fetch_add(bytes, std::memory_order_relaxed);
  core::Status status = core::Status::kOk;
  if (pending >= static_cast<uint64_t>(loop_->config.max_pending) ||
      held + bytes > static_cast<uint64_t>(loop_->config.max_pending_bytes)) {
    status = core::Status::kQueueFull;
  }
  Job* job = status == core::Status::kOk ? make_job(request, checked) : nullptr;
  if (job == nullptr) {
    home.pending.fetch_sub(1, std::memory_order_relaxed);
    home.pending_bytes.fetch_sub(bytes, std::memory_order_relaxed);
    return status == core::Status::kOk ? core::Status::kNoMem : status;
  }
  if (id != nullptr) *id = job->request.id;
  loop_->push(&job->node);
  return core::Status::kOk;
}

// Everything is copied; the record becomes visible by its id at the end. nullptr when memory is
// used up.
Job* Manager::make_job(const llmq_request_t& r, const Checked& checked) const {
  Home& home = *loop_->home;
  std::unique_ptr<Extra> extra;
  if (!copy_extra(r, &extra)) return nullptr;
  void* payload = r.payload_len == 0 ? nullptr : std::malloc(r.payload_len);
  if (payload == nullptr && r.payload_len > 0) return nullptr;
  Job* job = home.jobs.take();
  if (job == nullptr) {
    std::free(payload);
    return nullptr;
  }
  if (payload != nullptr) std::memcpy(payload, r.payload, r.payload_len);
  ++job->generation;
  const uint64_t id = request_id(job->slot, job->generation);
  core::Request& request = job->request;
  request = core::Request{};
  request.id = id;
  request.deadline = r.deadline_ns > 0 ? core::TimeNs{r.deadline_ns} : core::kNever;
  request.est_input_tokens = static_cast<uint32_t>(checked.input_tokens);
  request.est_output_tokens = static_cast<uint32_t>(checked.output_tokens);
  request.timeout_ms = checked.timeout_ms;
  request.model = checked.entry->index;
  request.max_attempts = checked.max_attempts;
  request.bytes = static_cast<uint32_t>(r.payload_len);
  request.priority = static_cast<uint8_t>(r.priority) & 7;  // checked: LLMQ_PRIORITY_ are 0 to 4
  request.late_usage = (r.flags & (LLMQ_REQUEST_KEEP | LLMQ_REQUEST_LATE_USAGE)) != 0;
  job->node = Node{};
  job->flags.store(static_cast<uint8_t>(r.flags), std::memory_order_release);
  job->operation = static_cast<uint8_t>(r.operation);
  job->in_engine = job->cancel_early = job->report_on_way = job->ended = job->start_waits = false;
  job->payload = payload;
  job->payload_len = static_cast<uint32_t>(r.payload_len);
  job->user_data = r.user_data;
  job->done_fn = r.done_fn;
  if (r.done_fn != nullptr) {
    job->done_user = r.done_user;
  } else {
    job->queue = reinterpret_cast<CompletionQueue*>(r.cq);
    if (job->queue != nullptr) job->queue->add_ref();
  }
  job->extra = extra.release();
  job->outcome = nullptr;
  job->home = &home;
  job->live.store(0, std::memory_order_relaxed);
  job->holders.store(kRequestHolder, std::memory_order_relaxed);
  job->state.store(LLMQ_STATE_PENDING, std::memory_order_release);
  job->id.store(id, std::memory_order_release);
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
  if (home.pending.load() >= static_cast<uint64_t>(loop_->config.max_pending)) {
    return core::Error{core::Status::kQueueFull,
                       std::to_string(home.pending.load()) +
                           " requests wait or run, max_pending is " +
                           std::to_string(loop_->config.max_pending),
                       "max_pending"};
  }
  if (home.pending_bytes.load() + request.payload_len >
      static_cast<uint64_t>(loop_->config.max_pending_bytes)) {
    return core::Error{core::Status::kQueueFull,
                       "payloads hold " + std::to_string(home.pending_bytes.load()) +
                           " bytes, max_pending_bytes is " +
                           std::to_string(loop_->config.max_pending_bytes),
                       "max_pending_bytes"};
  }
  return why;
}

core::Status Manager::submit_wait(const llmq_request_t& request, int64_t timeout_ns,
                                  std::unique_ptr<Response>* response) {
  if (request.cq != nullptr || request.done_fn != nullptr) return core::Status::kInvalidArg;
  const core::Status fault = check_members(request, nullptr);  // before it is copied by its size
  if (fault != core::Status::kOk) return fault;
  if (Loop::on_any_loop_thread()) return core::Status::kWrongThread;
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
