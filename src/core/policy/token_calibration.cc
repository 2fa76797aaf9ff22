#include "core/policy/token_calibration.h"

#include <algorithm>
#include <cstdlib>

#include "core/limit/wide.h"

namespace llmq::core {
namespace {

constexpr int64_t kOne = TokenFit::kOne;
constexpr int64_t kMostBytes = int64_t{1} << 31;
constexpr int64_t kMostTokens = int64_t{1} << 32;
constexpr int64_t kInertia = kOne * kOne / 32;  // weight of the fit as it is, in answers
constexpr int64_t kBytesUnit = 4;               // u counts bytes in fours
constexpr int64_t kTextUnit = 16;               // and b is counted in sixteens
constexpr int64_t kLeastPerByte = kOne / 16;
constexpr int64_t kMostPerByte = 2 * kOne;
constexpr int64_t kMostPerText = 4096;
constexpr int64_t kLeastMemory = 4;
constexpr int64_t kMillion = 1'000'000;

}  // namespace

void TokenCalibration::add(int64_t bytes, int64_t tokens) {
  bytes = std::clamp<int64_t>(bytes, 0, kMostBytes);
  tokens = std::clamp<int64_t>(tokens, 0, kMostTokens);
  const int64_t expected = fit_.tokens(bytes);
  note_error(expected, tokens);
  tokens = without_outliers(expected, tokens);
  ++samples_;
  const int64_t e = expected + kTextUnit;
  const int64_t u = bytes * kOne / (kBytesUnit * e);
  const int64_t v = kTextUnit * kOne / e;
  const int64_t z = tokens * kOne / e;
  // The first answers were weighed by a fit that knew nothing: they fade sooner.
  const int64_t memory = std::clamp(static_cast<int64_t>(samples_ / 4), kLeastMemory, kMemory);
  const auto decay = [memory](int64_t& sum, int64_t one) { sum += one - sum / memory; };
  decay(uu_, u * u);
  decay(uv_, u * v);
  decay(vv_, v * v);
  decay(zu_, z * u);
  decay(zv_, z * v);
  solve();
}

void TokenCalibration::note_error(int64_t expected, int64_t tokens) {
  const int64_t off = (expected - tokens) * kMillion / std::max<int64_t>(tokens, 1);
  bias_ += off - bias_ / kMemory;
  error_ += std::abs(off) - error_ / kMemory;
}

// `tokens`, moved towards what was expected as far as the usual error allows.
int64_t TokenCalibration::without_outliers(int64_t expected, int64_t tokens) {
  constexpr int64_t kTolerated = 4;
  constexpr int64_t kLeast = kOne / 16;
  constexpr int64_t kSlow = 16;
  const int64_t of = expected + kTextUnit;  // a few tokens are never an outlier
  const int64_t most = std::clamp(kTolerated * spread_, kLeast, kOne);
  const int64_t off = std::clamp((tokens - expected) * kOne / of, -most, most);
  spread_ += (std::abs(off) - spread_) / kSlow;
  return std::max<int64_t>(expected + off * of / kOne, 0);
}

void TokenCalibration::solve() {
  const Wide uu = uu_ + kInertia;
  const Wide vv = vv_ + kInertia;
  const Wide zu = zu_ + kInertia / kOne * fit_.per_byte * kBytesUnit;
  const Wide zv = zv_ + kInertia / kTextUnit * fit_.per_text;
  const Wide determinant = uu * vv - Wide{uv_} * uv_;  // > 0: the inertia sees to it
  // In two steps: zu * vv has 80 bits, and a fraction of 16 bits is wanted.
  const Wide a = (zu * vv - zv * uv_) / (determinant / kOne) / kBytesUnit;
  fit_.per_byte = static_cast<int64_t>(std::clamp<Wide>(a, kLeastPerByte, kMostPerByte));
  const Wide b = (zv - uv_ * Wide{fit_.per_byte} * kBytesUnit / kOne) * kTextUnit / vv;
  fit_.per_text = static_cast<int64_t>(std::clamp<Wide>(b, 0, kMostPerText));
}

}  // namespace llmq::core
