// llmq/cpp/permit.hpp - permits, for calls that the program makes itself. Include llmq/llmq.hpp.
#ifndef LLMQ_CPP_PERMIT_HPP_
#define LLMQ_CPP_PERMIT_HPP_

#include <llmq/cpp/handle.hpp>
#include <llmq/cpp/headers.hpp>
#include <llmq/cpp/request.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace llmq {

// One call may be made now. Dropped without a word it ends with LLMQ_ERR_ABANDONED: what was
// reserved stays charged.
class permit {
 public:
  permit(llmq_manager_t* manager, attempt_id id) : manager_(llmq_manager_ref(manager)), id_(id) {
    const char* data = nullptr;
    std::size_t len = 0;
    if (llmq_attempt_deployment(manager, id, &data, &len) == LLMQ_OK) deployment_.assign(data, len);
    if (llmq_attempt_model(manager, id, &data, &len) == LLMQ_OK) model_.assign(data, len);
  }
  permit(permit&&) noexcept = default;
  permit& operator=(permit&& from) noexcept {
    if (this == &from) return *this;
    abandon();
    manager_ = std::move(from.manager_);
    id_ = from.id_;
    deployment_ = std::move(from.deployment_);
    model_ = std::move(from.model_);
    return *this;
  }
  ~permit() { abandon(); }

  attempt_id id() const noexcept { return id_; }
  const std::string& deployment() const noexcept { return deployment_; }  // where the call goes
  const std::string& model() const noexcept { return model_; }  // another one after a fallback
  // The call went well. False: the permit was lost (lease, deadline, cancel), or had ended.
  bool release() { return end(llmq_permit_release(manager_.get(), id_, nullptr)); }
  bool release(const usage& used) {
    const llmq_usage_t raw = used.raw();
    return end(llmq_permit_release(manager_.get(), id_, &raw));
  }
  // It failed: LLMQ_ERR_RATE_LIMITED and its Retry-After teach the limits. Take another permit to
  // try again.
  bool fail(status code, std::string_view message = {}, std::chrono::nanoseconds retry_after = {}) {
    return end(llmq_attempt_fail(manager_.get(), id_, code, message.data(), message.size(),
                                 retry_after.count()));
  }
  // What the answer showed of the limits of deployment(): before release() or fail().
  template <class Headers = header_list>
  void report_limits(const Headers& headers) {
    const detail::header_texts texts(headers);
    detail::check(llmq_attempt_report_limits(manager_.get(), id_, texts.names.data.data(),
                                             texts.names.lens.data(), texts.values.data.data(),
                                             texts.values.lens.data(), texts.names.data.size()));
  }
  // Renews the lease. False: the permit is lost.
  bool heartbeat() { return llmq_attempt_heartbeat(manager_.get(), id_) == LLMQ_OK; }

 private:
  bool end(status code) {
    if (manager_ == nullptr) return false;
    // After these two it is still there.
    if (code == LLMQ_ERR_INVALID_ARG || code == LLMQ_ERR_NOMEM) throw_error(code);
    manager_.reset();
    return code == LLMQ_OK;
  }
  void abandon() noexcept {
    if (manager_ == nullptr) return;
    llmq_attempt_fail(manager_.get(), id_, LLMQ_ERR_ABANDONED, nullptr, 0, 0);
    manager_.reset();
  }
  detail::owned<llmq_manager_t> manager_;
  attempt_id id_;
  std::string deployment_;
  std::string model_;
};

namespace detail {

struct permit_waiter {
  llmq_manager_t* manager;
  std::promise<permit> promise;

  static void take(void* user, const llmq_event_t* event) noexcept {
    const std::unique_ptr<permit_waiter> self(static_cast<permit_waiter*>(user));
    try {
      if (event->type != LLMQ_EV_PERMIT) throw_error(event->status);
      self->promise.set_value(permit(self->manager, event->attempt_id));
    } catch (...) {
      self->promise.set_exception(std::current_exception());
    }
  }
};

}  // namespace detail

// The permit, when there is room for the call; throws if there will be none. The id is for
// cancel().
inline std::future<permit> acquire(llmq_manager_t* manager, const request& what,
                                   request_id* id = nullptr) {
  auto waiter = std::make_unique<detail::permit_waiter>();
  waiter->manager = manager;
  std::future<permit> future = waiter->promise.get_future();
  llmq_request_t raw = what.raw();
  raw.done_fn = detail::permit_waiter::take;
  raw.done_user = waiter.get();
  detail::check(llmq_acquire(manager, &raw, id));
  (void)waiter.release();  // take() has it, and may be done with it already
  return future;
}

// A permit, if there is room now; `wait` is how long it would take.
inline std::optional<permit> try_acquire(llmq_manager_t* manager, const request& what,
                                         std::chrono::nanoseconds* wait = nullptr) {
  const llmq_request_t raw = what.raw();
  attempt_id id = 0;
  int64_t wait_ns = 0;
  const status code = llmq_try_acquire(manager, &raw, &id, &wait_ns);
  if (wait != nullptr) *wait = std::chrono::nanoseconds(wait_ns);
  if (code == LLMQ_ERR_AGAIN) return std::nullopt;
  detail::check(code);
  return permit(manager, id);
}

}  // namespace llmq

#endif  // LLMQ_CPP_PERMIT_HPP_
