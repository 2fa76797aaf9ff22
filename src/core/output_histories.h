// How long the outputs of one model are, by kind of request: those that reserve about as much and
// are as urgent are thought to be alike.
#ifndef LLMQ_CORE_OUTPUT_HISTORIES_H_
#define LLMQ_CORE_OUTPUT_HISTORIES_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/limit/output_history.h"
#include "core/queue/class_line.h"
#include "core/request.h"

namespace llmq::core {

class OutputHistories {
 public:
  // Of requests of that kind; nullptr while too few have ended.
  const OutputHistory* of(const Request& request) const {
    if (!learns_) return nullptr;
    const OutputHistory* const history = histories_[kind_of(request)].get();
    return history != nullptr && history->knows() ? history : nullptr;
  }

  void add(const Request& request, int64_t tokens, int64_t paced, DurationNs took) {
    std::unique_ptr<OutputHistory>& history = histories_[kind_of(request)];
    if (history == nullptr) history = std::make_unique<OutputHistory>();
    learns_ = true;
    history->add(tokens, paced, took);
  }

 private:
  static constexpr size_t kSizes = 12;  // of reservations: by factors of four

  static size_t kind_of(const Request& request) {
    size_t size = 0;
    for (uint32_t left = request.est_output_tokens; left > 3 && size + 1 < kSizes; left /= 4)
      ++size;
    return class_of(request) * kSizes + size;
  }

  bool learns_ = false;
  std::array<std::unique_ptr<OutputHistory>, kClasses * kSizes> histories_;
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_OUTPUT_HISTORIES_H_
