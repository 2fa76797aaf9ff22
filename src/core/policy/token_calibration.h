// How many input tokens a text has, learnt from what answers say: tokens ~ a * bytes + b.
//
// A least-squares fit over about the last 64 answers. Each counts by its relative error, so a long
// text weighs no more than a short one: z = 4a * u + b/16 * v, with z = tokens / e, u = bytes / 4e,
// v = 16 / e, where e is what was expected, and 16. What the answers do not tell, such as b where
// all texts are long, stays where it is. What is off by more than four times the usual error counts
// as if it were off by that. Integers only: fractions are in 1/65536.
#ifndef LLMQ_CORE_POLICY_TOKEN_CALIBRATION_H_
#define LLMQ_CORE_POLICY_TOKEN_CALIBRATION_H_

#include <cstdint>

namespace llmq::core {

// A fit as others use it.
struct TokenFit {
  static constexpr int64_t kOne = 65'536;

  int64_t per_byte = kOne / 4;  // a, in 1/65536: 1/16 .. 2
  int64_t per_text = 10;        // b: 0 .. 4096

  int64_t tokens(int64_t bytes) const { return bytes * per_byte / kOne + per_text; }
};

class TokenCalibration {
 public:
  // An answer tells that a text of that many bytes, at most 2^31, had so many tokens.
  void add(int64_t bytes, int64_t tokens);

  const TokenFit& fit() const { return fit_; }
  uint64_t samples() const { return samples_; }
  // Mean of (fit before the answer - tokens) / tokens over about the last 64 answers, in
  // millionths; and of its absolute value.
  int64_t bias_ppm() const { return bias_ / kMemory; }
  int64_t error_ppm() const { return error_ / kMemory; }

 private:
  static constexpr int64_t kMemory = 64;

  void note_error(int64_t expected, int64_t tokens);
  int64_t without_outliers(int64_t expected, int64_t tokens);
  void solve();

  TokenFit fit_;
  uint64_t samples_ = 0;
  // Fading sums of u * u, u * v, v * v, z * u, z * v, in 2^-32.
  int64_t uu_ = 0;
  int64_t uv_ = 0;
  int64_t vv_ = 0;
  int64_t zu_ = 0;
  int64_t zv_ = 0;
  int64_t spread_ = TokenFit::kOne / 2;  // usual error as a part of what was expected
  int64_t bias_ = 0;                     // kMemory times the mean
  int64_t error_ = 0;
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_POLICY_TOKEN_CALIBRATION_H_
