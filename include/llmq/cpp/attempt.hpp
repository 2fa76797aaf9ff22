// llmq/cpp/attempt.hpp - attempts, and the processors that run them. Include llmq/llmq.hpp.
#ifndef LLMQ_CPP_ATTEMPT_HPP_
#define LLMQ_CPP_ATTEMPT_HPP_

#include <llmq/cpp/handle.hpp>
#include <llmq/cpp/request.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

namespace llmq {

// One attempt to run, to be reported once, from any thread. Dropped without a report it ends with
// LLMQ_ERR_ABANDONED, which is final.
class attempt {
 public:
  attempt(llmq_manager_t* manager, const llmq_event_t& ready) noexcept
      : manager_(llmq_manager_ref(manager)),
        id_(ready.attempt_id),
        request_id_(ready.request_id),
        number_(ready.attempt),
        payload_(static_cast<const char*>(ready.data), static_cast<size_t>(ready.data_len)) {}
  attempt(attempt&&) noexcept = default;
  attempt& operator=(attempt&& from) noexcept {
    if (this == &from) return *this;
    abandon();
    manager_ = std::move(from.manager_);
    id_ = from.id_;
    request_id_ = from.request_id_;
    number_ = from.number_;
    payload_ = from.payload_;
    return *this;
  }
  ~attempt() { abandon(); }

  attempt_id id() const noexcept { return id_; }
  llmq::request_id request_id() const noexcept { return request_id_; }
  uint32_t number() const noexcept { return number_; }  // from 1
  std::string_view payload() const noexcept { return payload_; }
  std::string_view model() const noexcept { return view<char>(llmq_attempt_model); }
  std::string_view tenant() const noexcept { return view<char>(llmq_attempt_tenant); }
  std::string_view request_key() const noexcept { return view<char>(llmq_attempt_request_key); }
  std::string_view metadata() const noexcept { return view<void>(llmq_attempt_metadata); }
  bool reported() const noexcept { return manager_ == nullptr; }

  // Hands over a piece of the response, where the caller takes pieces. False: it holds too many of
  // them now, or the request has ended.
  bool chunk(std::string_view data) {
    const status code = llmq_attempt_chunk(manager_.get(), id_, data.data(), data.size());
    if (code == LLMQ_ERR_AGAIN || code == LLMQ_ERR_STALE) return false;
    detail::check(code);
    return true;
  }
  // Renews the lease of a worker's attempt. False: the result is not wanted any more.
  bool heartbeat() { return llmq_attempt_heartbeat(manager_.get(), id_) == LLMQ_OK; }
  // Reports the result. False: the request had ended (cancel, time-out, shutdown), or this attempt
  // was reported.
  bool succeed(std::string_view data) { return report_success(data, nullptr); }
  bool succeed(std::string_view data, const usage& used) {
    const llmq_usage_t raw = used.raw();
    return report_success(data, &raw);
  }
  bool succeed(std::string_view data, const std::optional<usage>& used) {
    return used ? succeed(data, *used) : succeed(data);
  }
  // Reports a failure. LLMQ_ERR_RATE_LIMITED, _OVERLOADED, _SERVER, _TRANSPORT and _TIMEOUT are
  // retried.
  bool fail(status code, std::string_view message = {}, std::chrono::nanoseconds retry_after = {}) {
    return end(llmq_attempt_fail(manager_.get(), id_, code, message.data(), message.size(),
                                 retry_after.count()));
  }

 private:
  bool report_success(std::string_view data, const llmq_usage_t* used) {
    return end(llmq_attempt_succeed(manager_.get(), id_, data.data(), data.size(), used));
  }
  bool end(status code) {
    if (manager_ == nullptr) return false;
    // After these two the attempt still runs, and can be reported otherwise.
    if (code == LLMQ_ERR_INVALID_ARG || code == LLMQ_ERR_NOMEM) throw_error(code);
    manager_.reset();
    payload_ = {};
    return code == LLMQ_OK;
  }
  void abandon() noexcept {
    if (manager_ == nullptr) return;
    constexpr std::string_view why = "the processor dropped the attempt without a report";
    llmq_attempt_fail(manager_.get(), id_, LLMQ_ERR_ABANDONED, why.data(), why.size(), 0);
    manager_.reset();
  }
  template <class Byte, class Get>
  std::string_view view(Get get) const noexcept {
    const Byte* bytes = nullptr;
    size_t len = 0;
    if (get(manager_.get(), id_, &bytes, &len) != LLMQ_OK) return {};
    return {static_cast<const char*>(bytes), len};
  }
  detail::owned<llmq_manager_t> manager_;  // an attempt may be reported after its manager has gone
  attempt_id id_;
  llmq::request_id request_id_;
  uint32_t number_;
  std::string_view payload_;
};

namespace detail {

// What a processor's C callbacks are given. The manager outlives its loop thread, where they run.
template <class F>
struct processor {
  llmq_manager_t* manager;
  F fn;
  std::function<void(attempt_id)> on_cancel;

  static void ready(void* user, const llmq_event_t* event) noexcept {
    auto* self = static_cast<processor*>(user);
    try {
      self->fn(attempt(self->manager, *event));
    } catch (...) {  // the attempt was dropped on the way here, and so reported
    }
  }
  static void cancelled(void* user, const llmq_event_t* event) noexcept {
    auto* self = static_cast<processor*>(user);
    try {
      if (self->on_cancel) self->on_cancel(event->attempt_id);
    } catch (...) {
    }
  }
};

template <class F>
void set_processor(llmq_manager_t* manager, std::string_view model, F fn,
                   std::function<void(attempt_id)> on_cancel = {}) {
  using user = processor<F>;
  auto* made = new user{manager, std::move(fn), std::move(on_cancel)};
  check(llmq_model_set_processor(manager, at(model), model.size(), user::ready, user::cancelled,
                                 made, free_user<user>));  // frees it also on failure
}

}  // namespace detail

}  // namespace llmq

#endif  // LLMQ_CPP_ATTEMPT_HPP_
