// llmq/cpp/request.hpp - requests and the values in and around them. Include llmq/llmq.hpp.
#ifndef LLMQ_CPP_REQUEST_HPP_
#define LLMQ_CPP_REQUEST_HPP_

#include <llmq/llmq.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace llmq {

using request_id = llmq_request_id_t;
using attempt_id = llmq_attempt_id_t;

// The clock of deadlines: llmq_now_ns() as <chrono> wants it.
struct clock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<clock>;
  static constexpr bool is_steady = true;
  static time_point now() noexcept { return time_point(duration(llmq_now_ns())); }
};

inline constexpr std::chrono::nanoseconds forever{-1};

enum class state : int32_t {
  pending = LLMQ_STATE_PENDING,
  processing = LLMQ_STATE_PROCESSING,
  completed = LLMQ_STATE_COMPLETED,
  failed = LLMQ_STATE_FAILED,
  cancelled = LLMQ_STATE_CANCELLED,
  expired = LLMQ_STATE_EXPIRED
};

enum class priority : int32_t {
  urgent = LLMQ_PRIORITY_URGENT,
  high = LLMQ_PRIORITY_HIGH,
  normal = LLMQ_PRIORITY_NORMAL,
  batch = LLMQ_PRIORITY_BATCH
};

enum class operation : int32_t {
  chat = LLMQ_OP_CHAT,
  embeddings = LLMQ_OP_EMBEDDINGS,
  messages = LLMQ_OP_MESSAGES,
  responses = LLMQ_OP_RESPONSES,
  custom = LLMQ_OP_CUSTOM
};

enum class shutdown_mode : int32_t {
  drain = LLMQ_SHUTDOWN_DRAIN,
  cancel = LLMQ_SHUTDOWN_CANCEL,
  abort = LLMQ_SHUTDOWN_ABORT
};

namespace detail {

inline int64_t absolute(std::optional<clock::time_point> deadline) noexcept {
  return deadline ? std::max<int64_t>(deadline->time_since_epoch().count(), 1) : 0;
}

}  // namespace detail

// Actual consumption of one attempt, as in llmq_usage_t.
struct usage {
  int64_t input_tokens = 0;
  int64_t output_tokens = 0;
  int64_t cached_input_tokens = 0;
  int64_t cost_micros = 0;
  int64_t reasoning_tokens = 0;

  llmq_usage_t raw() const noexcept {
    return {sizeof(llmq_usage_t), 0,           input_tokens,    output_tokens,
            cached_input_tokens,  cost_micros, reasoning_tokens};
  }
};

struct timings {
  clock::time_point submitted;
  std::optional<clock::time_point> started;  // of the last attempt; none if there was none
  clock::time_point finished;
};

// What to run: set the members that matter. `llmq::request{"model", payload}` is the short form.
struct request {
  std::string model{};
  std::string payload{};  // for built-in providers the JSON body
  llmq::operation operation = llmq::operation::chat;
  llmq::priority priority = llmq::priority::normal;
  std::string tenant{};
  std::string request_key{};  // the caller's own id
  std::string dedup_key{};
  std::string metadata{};  // opaque; comes back with the response
  std::optional<clock::time_point> deadline{};
  std::chrono::nanoseconds timeout{0};  // per attempt; 0 = the model's timeout_ms, forever = none
  int64_t est_input_tokens = 0;         // 0 = llmq estimates, -1 = none
  int64_t est_output_tokens = 0;
  uint32_t max_attempts = 0;  // 0 = the model's
  uint64_t user_data = 0;     // comes back in events of a completion queue
  bool keep = false;          // readable with manager::get
  bool late_usage = false;    // usage may be reported after the end
  bool stream = false;        // hand over the response while it comes
  bool restart = false;       // try again although a part of it has been handed over

  // The C form; its pointers lead into this object.
  llmq_request_t raw() const noexcept {
    llmq_request_t to{};
    to.struct_size = sizeof to;
    to.flags = (keep ? uint32_t{LLMQ_REQUEST_KEEP} : 0U) |
               (late_usage ? uint32_t{LLMQ_REQUEST_LATE_USAGE} : 0U) |
               (stream ? uint32_t{LLMQ_REQUEST_STREAM} : 0U) |
               (restart ? uint32_t{LLMQ_REQUEST_RESTART} : 0U);
    to.operation = static_cast<int32_t>(operation);
    to.priority = static_cast<int32_t>(priority);
    to.model = model.data();
    to.model_len = model.size();
    to.tenant = tenant.data();
    to.tenant_len = tenant.size();
    to.payload = payload.data();
    to.payload_len = payload.size();
    to.request_key = request_key.data();
    to.request_key_len = request_key.size();
    to.dedup_key = dedup_key.data();
    to.dedup_key_len = dedup_key.size();
    to.metadata = metadata.data();
    to.metadata_len = metadata.size();
    to.deadline_ns = detail::absolute(deadline);
    to.timeout_ns = timeout.count() < 0 ? -1 : timeout.count();
    to.est_input_tokens = est_input_tokens;
    to.est_output_tokens = est_output_tokens;
    to.max_attempts = max_attempts;
    to.user_data = user_data;
    return to;
  }
};

}  // namespace llmq

#endif  // LLMQ_CPP_REQUEST_HPP_
