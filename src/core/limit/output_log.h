// The last outputs of one kind of call, in the order of their ends.
#ifndef LLMQ_CORE_LIMIT_OUTPUT_LOG_H_
#define LLMQ_CORE_LIMIT_OUTPUT_LOG_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace llmq::core {

class OutputLog {
 public:
  struct Output {
    uint32_t tokens = 0;
    uint32_t speed = 0;  // tokens per kSpeedUnit of output_history.cc; 0 = not known
  };

  explicit OutputLog(size_t most) : most_(most) { outputs_.reserve(most); }

  // The oldest one, if it has to leave for it.
  std::optional<Output> push(Output output) {
    if (outputs_.size() < most_) {
      outputs_.push_back(output);
      return std::nullopt;
    }
    std::swap(outputs_[next_], output);
    next_ = (next_ + 1) % most_;
    return output;
  }

  // Keeps more from now on.
  void keep(size_t most) {
    std::rotate(outputs_.begin(), outputs_.begin() + static_cast<std::ptrdiff_t>(next_),
                outputs_.end());
    next_ = 0;
    most_ = most;
    outputs_.reserve(most);
  }

  size_t size() const { return outputs_.size(); }
  // The last one is 0; back < size().
  const Output& last(size_t back) const {
    return outputs_[(next_ + outputs_.size() - 1 - back) % outputs_.size()];
  }

 private:
  size_t most_;
  size_t next_ = 0;  // the oldest, once it is full
  std::vector<Output> outputs_;
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_LIMIT_OUTPUT_LOG_H_
