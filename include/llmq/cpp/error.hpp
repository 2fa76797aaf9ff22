// llmq/cpp/error.hpp - what llmq throws. Include llmq/llmq.hpp.
#ifndef LLMQ_CPP_ERROR_HPP_
#define LLMQ_CPP_ERROR_HPP_

#include <llmq/llmq.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace llmq {

using status = llmq_status_t;  // LLMQ_OK or a negative LLMQ_ERR_ constant

// Everything that llmq throws. Derived classes exist where callers act differently; the rest (a
// provider's 5xx, a broken connection, a processor's own failure, memory, ...) is llmq::error
// itself with its code(). what() says what was wrong and, in brackets, the name of the code, under
// which docs/troubleshooting.md tells more.
class error : public std::runtime_error {
 public:
  error(status code, std::string message, std::string key = {})
      : std::runtime_error(message + " [" + llmq_status_name(code) + "]"),
        code_(code),
        texts_(std::make_shared<const texts>(texts{std::move(message), std::move(key)})) {}
  status code() const noexcept { return code_; }
  const char* name() const noexcept { return llmq_status_name(code_); }
  // What was wrong, with the limit and the value where there are any.
  const std::string& message() const noexcept { return texts_->message; }
  // The configuration key or argument at fault; "" if none.
  const std::string& key() const noexcept { return texts_->key; }

 private:
  struct texts {
    std::string message;
    std::string key;
  };
  status code_;
  std::shared_ptr<const texts> texts_;  // shared: copying an exception must not throw
};

// The call itself is wrong, and stays so: argument, key, value, model, size, thread.
class invalid_argument_error : public error {
  using error::error;
};
// Time is up: a wait, an attempt, or the request's deadline.
class timeout_error : public error {
  using error::error;
};
// Cancelled by the caller.
class cancelled_error : public error {
  using error::error;
};
// The manager, or the model, is shutting down or has shut down, or was inherited through fork: it
// takes no more requests, and ended those that it had.
class closed_error : public error {
  using error::error;
};
// max_pending is reached: submit again when some have ended.
class queue_full_error : public error {
  using error::error;
};
// The provider is too busy for us or for everybody (429, 503, 529), and the retries are used up.
class rate_limited_error : public error {
  using error::error;
};
// Key rejected, quota or budget used up: nothing else will pass either.
class access_error : public error {
  using error::error;
};
// The provider does not want this very request: malformed, too long, filtered.
class rejected_error : public error {
  using error::error;
};

// Throws the class that belongs to a code.
[[noreturn]] inline void throw_error(status code, std::string what = {}, std::string key = {}) {
  if (what.empty()) what = llmq_status_message(code);
  switch (code) {
    case LLMQ_ERR_INVALID_ARG:
    case LLMQ_ERR_UNKNOWN_MODEL:
    case LLMQ_ERR_MODEL_EXISTS:
    case LLMQ_ERR_UNKNOWN_KEY:
    case LLMQ_ERR_INVALID_VALUE:
    case LLMQ_ERR_OVERSIZE:
    case LLMQ_ERR_WRONG_THREAD:
    case LLMQ_ERR_UNSUPPORTED:
      throw invalid_argument_error(code, what, std::move(key));
    case LLMQ_ERR_TIMEOUT:
    case LLMQ_ERR_DEADLINE:
      throw timeout_error(code, what, std::move(key));
    case LLMQ_ERR_CANCELLED:
      throw cancelled_error(code, what, std::move(key));
    case LLMQ_ERR_CLOSED:
    case LLMQ_ERR_CLOSING:
    case LLMQ_ERR_FORKED:
      throw closed_error(code, what, std::move(key));
    case LLMQ_ERR_QUEUE_FULL:
      throw queue_full_error(code, what, std::move(key));
    case LLMQ_ERR_RATE_LIMITED:
    case LLMQ_ERR_OVERLOADED:
      throw rate_limited_error(code, what, std::move(key));
    case LLMQ_ERR_AUTH:
    case LLMQ_ERR_QUOTA_EXHAUSTED:
    case LLMQ_ERR_BUDGET:
      throw access_error(code, what, std::move(key));
    case LLMQ_ERR_BAD_REQUEST:
    case LLMQ_ERR_CONTEXT_TOO_LONG:
    case LLMQ_ERR_CONTENT_FILTER:
      throw rejected_error(code, what, std::move(key));
    default:
      throw error(code, what, std::move(key));
  }
}

}  // namespace llmq

#endif  // LLMQ_CPP_ERROR_HPP_
