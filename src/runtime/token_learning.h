// What the answers of one model have taught of token counts. The loop learns; submitters estimate
// on their own threads, from what it last published.
#ifndef LLMQ_RUNTIME_TOKEN_LEARNING_H_
#define LLMQ_RUNTIME_TOKEN_LEARNING_H_

#include <array>
#include <atomic>
#include <cstdint>

#include "base/json.h"
#include "core/output_histories.h"
#include "core/policy/token_calibration.h"

namespace llmq::runtime {

class TokenLearning {
 public:
  static constexpr int64_t kUnknown = -1;

  TokenLearning();

  // ---- On the loop thread ----
  // A payload costs time to read: all of the first answers are looked at, later every eighth.
  bool wants_input();
  void input(int64_t text_bytes, int64_t tokens);
  // The output of that request is one of `outputs`, which the engine keeps.
  void output(const core::Request& request, int64_t tokens, const core::OutputHistories& outputs);

  // ---- On any thread ----
  // kUnknown as long as too few answers have told.
  int64_t input_tokens(int64_t text_bytes) const;
  int64_t output_tokens(int32_t priority) const;
  base::Json json() const;

 private:
  static constexpr size_t kPriorities = 5;  // LLMQ_PRIORITY_ of llmq.h: default is normal
  static constexpr uint64_t kLeastSamples = 8;

  // The loop's own:
  core::TokenCalibration calibration_;
  std::array<uint64_t, kPriorities> outputs_{};  // until now, by priority
  uint64_t answers_ = 0;
  // Published. The fit is one word: per byte above, per text below; 0 = unknown.
  std::atomic<uint64_t> fit_{0};
  std::array<std::atomic<int64_t>, kPriorities> p95_;
  std::atomic<uint64_t> samples_{0};
  std::atomic<int64_t> error_ppm_{0};
  std::atomic<int64_t> bias_ppm_{0};
  std::atomic<uint64_t> judged_{0};
  std::atomic<uint64_t> passed_{0};
};

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_TOKEN_LEARNING_H_
