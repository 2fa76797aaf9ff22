#include "runtime/token_learning.h"

#include <llmq/llmq.h>

#include <algorithm>

namespace llmq::runtime {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

// Requests without a priority are of the normal one.
size_t place_of(int32_t priority) {
  return static_cast<size_t>(priority == LLMQ_PRIORITY_DEFAULT ? LLMQ_PRIORITY_NORMAL : priority);
}

double part_of(int64_t ppm) { return static_cast<double>(ppm) / 1e6; }

}  // namespace

TokenLearning::TokenLearning() {
  for (std::atomic<int64_t>& one : p95_) one.store(kUnknown, kRelaxed);
}

bool TokenLearning::wants_input() {
  constexpr uint64_t kAll = 32;
  constexpr uint64_t kEvery = 8;
  ++answers_;
  return answers_ <= kAll || answers_ % kEvery == 0;
}

void TokenLearning::input(int64_t text_bytes, int64_t tokens) {
  calibration_.add(text_bytes, tokens);
  samples_.store(calibration_.samples(), kRelaxed);
  error_ppm_.store(calibration_.error_ppm(), kRelaxed);
  bias_ppm_.store(calibration_.bias_ppm(), kRelaxed);
  if (calibration_.samples() < kLeastSamples) return;
  const core::TokenFit& fit = calibration_.fit();
  fit_.store(static_cast<uint64_t>(fit.per_byte) << 32 | static_cast<uint64_t>(fit.per_text),
             kRelaxed);
}

// The quantile follows every eighth output.
void TokenLearning::output(const core::Request& request, int64_t tokens,
                           const core::OutputHistories& outputs) {
  constexpr uint64_t kEvery = 8;
  const size_t place = place_of(request.priority);
  if (const int64_t p95 = p95_[place].load(kRelaxed); p95 != kUnknown) {
    judged_.fetch_add(1, kRelaxed);
    passed_.fetch_add(tokens > p95 ? 1 : 0, kRelaxed);
  }
  const uint64_t count = ++outputs_[place];
  if (count % kEvery != 0 && count != core::OutputHistories::kLeast) return;
  p95_[place].store(outputs.p95(request), kRelaxed);
}

int64_t TokenLearning::input_tokens(int64_t text_bytes) const {
  const uint64_t word = fit_.load(kRelaxed);
  if (word == 0) return kUnknown;
  const core::TokenFit fit{static_cast<int64_t>(word >> 32),
                           static_cast<int64_t>(word & UINT32_MAX)};
  return fit.tokens(text_bytes);
}

int64_t TokenLearning::output_tokens(int32_t priority) const {
  return p95_[place_of(priority)].load(kRelaxed);
}

base::Json TokenLearning::json() const {
  base::Json json(base::new_object());
  cJSON* const input = base::add_object(json.get(), "input");
  base::add_number(input, "answers", static_cast<int64_t>(samples_.load(kRelaxed)));
  if (const uint64_t word = fit_.load(kRelaxed); word != 0) {
    constexpr auto kOne = static_cast<double>(core::TokenFit::kOne);
    base::add_real(input, "per_byte", static_cast<double>(word >> 32) / kOne);
    base::add_number(input, "per_text", static_cast<int64_t>(word & UINT32_MAX));
  }
  base::add_real(input, "error", part_of(error_ppm_.load(kRelaxed)));
  base::add_real(input, "bias", part_of(bias_ppm_.load(kRelaxed)));
  cJSON* const output = base::add_object(json.get(), "output");
  static constexpr const char* kNames[kPriorities] = {"", "urgent", "high", "normal", "batch"};
  cJSON* const p95 = base::add_object(output, "p95");
  for (size_t i = 1; i < kPriorities; ++i) {
    const int64_t tokens = p95_[i].load(kRelaxed);
    if (tokens != kUnknown) base::add_number(p95, kNames[i], tokens);
  }
  base::add_number(output, "judged", static_cast<int64_t>(judged_.load(kRelaxed)));
  base::add_number(output, "over_p95", static_cast<int64_t>(passed_.load(kRelaxed)));
  return json;
}

}  // namespace llmq::runtime
