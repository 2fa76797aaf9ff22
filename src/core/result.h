// How code below the C boundary reports failure: a value, never an exception.
#ifndef LLMQ_CORE_RESULT_H_
#define LLMQ_CORE_RESULT_H_

#include <cassert>
#include <string>
#include <utility>
#include <variant>

#include "core/status.h"

namespace llmq::core {

// What went wrong, in words, and the key or argument that was at fault ("" if none).
struct Error {
  Status code = Status::kUnknown;
  std::string message;
  std::string key;
};

// A value or an error. Result<Done> is for functions that only succeed or fail.
template <typename T>
class Result {
 public:
  Result(T value) : state_(std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : state_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return std::holds_alternative<T>(state_); }
  explicit operator bool() const { return ok(); }

  T& value() {
    assert(ok());
    return *std::get_if<T>(&state_);
  }
  const T& value() const {
    assert(ok());
    return *std::get_if<T>(&state_);
  }
  const Error& error() const {
    assert(!ok());
    return *std::get_if<Error>(&state_);
  }
  Error& error() {
    assert(!ok());
    return *std::get_if<Error>(&state_);
  }

 private:
  std::variant<T, Error> state_;
};

struct Done {};

}  // namespace llmq::core

#endif  // LLMQ_CORE_RESULT_H_
