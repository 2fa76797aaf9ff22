// How long the outputs of one model are, by kind of request: those that reserve about as much and
// are as urgent are thought to be alike. Each output is kept once: for what is still to come of
// those that run, where a limit projects, and for what to expect of the next one.
#ifndef LLMQ_CORE_OUTPUT_HISTORIES_H_
#define LLMQ_CORE_OUTPUT_HISTORIES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/limit/output_history.h"
#include "core/limit/output_log.h"
#include "core/queue/class_line.h"
#include "core/request.h"

namespace llmq::core {

class OutputHistories {
 public:
  static constexpr size_t kRecent = 128;  // outputs of a class that the quantile is taken of
  static constexpr size_t kLeast = 20;    // fewer tell nothing of one in twenty
  static constexpr int64_t kUnknown = -1;

  // Of requests of that kind; nullptr while too few have ended, or nothing is projected.
  const OutputHistory* of(const Request& request) const {
    if (histories_ == nullptr) return nullptr;
    const OutputHistory* const history = (*histories_)[kind_of(request)].get();
    return history != nullptr && history->knows() ? history : nullptr;
  }

  // An output has ended: so many tokens, `paced` of them during `took`. `projects`: what is still
  // to come of such outputs will be asked for.
  void add(const Request& request, int64_t tokens, int64_t paced, DurationNs took, bool projects);

  // What 95 of 100 outputs do not pass, of the last kRecent of that priority, whatever they
  // reserved; kUnknown while there are fewer than kLeast.
  int64_t p95(const Request& like) const;

 private:
  static constexpr size_t kSizes = 12;  // of reservations: by factors of four
  static constexpr size_t kKinds = kClasses * kSizes;

  // The kinds of the last outputs of a class, so that they are found in their logs.
  struct Recent {
    std::array<uint8_t, kRecent> sizes{};
    uint32_t count = 0;  // of all until now
  };
  using Histories = std::array<std::unique_ptr<OutputHistory>, kKinds>;

  static size_t kind_of(const Request& request) {
    size_t size = 0;
    for (uint32_t left = request.est_output_tokens; left > 3 && size + 1 < kSizes; left /= 4)
      ++size;
    return class_of(request) * kSizes + size;
  }
  OutputHistory& history(size_t kind);
  const OutputLog& log(size_t kind) const;

  // An output is in the log of its kind, or, once that is projected, in its history.
  std::array<std::unique_ptr<OutputLog>, kKinds> logs_;
  std::unique_ptr<Histories> histories_;
  std::array<Recent, kClasses> recent_;
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_OUTPUT_HISTORIES_H_
