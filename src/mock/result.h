// A value or the reason why there is none.
#ifndef LLMQ_MOCK_RESULT_H_
#define LLMQ_MOCK_RESULT_H_

#include <string>
#include <utility>
#include <variant>

namespace llmq::mock {

struct Error {
  std::string message;  // for people, names the option and the value
};

template <typename T>
class Result {
 public:
  Result(T value) : state_(std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : state_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return std::holds_alternative<T>(state_); }
  // Only if ok().
  T& value() { return std::get<T>(state_); }
  const T& value() const { return std::get<T>(state_); }
  // Only if not ok().
  const std::string& error() const { return std::get<Error>(state_).message; }

 private:
  std::variant<T, Error> state_;
};

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_RESULT_H_
