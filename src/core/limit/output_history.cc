#include "core/limit/output_history.h"

#include <algorithm>
#include <utility>

#include "core/limit/divisor.h"
#include "core/limit/wide.h"

namespace llmq::core {
namespace {

constexpr DurationNs kSpeedUnit = seconds(16);
constexpr int64_t kLeastPaced = 32;  // fewer tokens tell no speed
constexpr int64_t kOutside = 20;     // one of so many is faster, and one slower

// By the lengths of a curve's segments.
template <size_t... kIndex>
constexpr std::array<Divisor, kCurveSegments> by_lengths(std::index_sequence<kIndex...>) {
  return {Divisor(kCurvePoints[kIndex + 1] - kCurvePoints[kIndex])...};
}
constexpr std::array<Divisor, kCurveSegments> kByLength =
    by_lengths(std::make_index_sequence<kCurveSegments>());

}  // namespace

OutputHistory::Sums& OutputHistory::Sums::operator+=(const Sums& other) {
  count += other.count;
  tokens += other.tokens;
  squares += other.squares;
  return *this;
}

OutputHistory::Sums OutputHistory::Sums::operator-(const Sums& other) const {
  return {count - other.count, tokens - other.tokens, squares - other.squares};
}

// Up to 8 exactly, then eight bins per octave.
size_t OutputHistory::bin_of(int64_t value) {
  if (value < 8) return static_cast<size_t>(value);
  const int octave = 63 - __builtin_clzll(static_cast<uint64_t>(value));
  const int64_t bin = 8 * (octave - 2) + ((value >> (octave - 3)) & 7);
  return std::min(static_cast<size_t>(bin), kBins - 1);
}

OutputHistory::OutputHistory(OutputLog log) : log_(std::move(log)) {
  log_.keep(kKept);
  for (size_t back = log_.size(); back-- > 0;) count(log_.last(back), 1);
  conclude();
}

OutputLog::Output OutputHistory::output_of(int64_t tokens, int64_t paced, DurationNs took) {
  OutputLog::Output output;
  output.tokens = static_cast<uint32_t>(std::clamp<int64_t>(tokens, 0, UINT32_MAX));
  paced = std::min(paced, kMostTokens);
  if (paced >= kLeastPaced && took.ns > 0) {
    const int64_t speed = mul_div(paced, kSpeedUnit.ns, took.ns);
    output.speed = static_cast<uint32_t>(std::clamp<int64_t>(speed, 1, kMostTokens));
  }
  return output;
}

void OutputHistory::add(int64_t tokens, int64_t paced, DurationNs took) {
  const OutputLog::Output output = output_of(tokens, paced, took);
  if (const auto oldest = log_.push(output)) count(*oldest, -1);
  count(output, 1);
  if (++added_ >= kRefresh || log_.size() == kEnough) conclude();
}

void OutputHistory::count(const OutputLog::Output& output, int64_t sign) {
  const int64_t tokens = std::min<int64_t>(output.tokens, kMostTokens);
  by_length_[bin_of(tokens)] += Sums{sign, sign * tokens, sign * tokens * tokens};
  if (output.speed > 0) by_speed_[bin_of(output.speed)] += Sums{sign, sign * output.speed, 0};
}

void OutputHistory::conclude() {
  added_ = 0;
  newcomers_.clear();
  silent_.clear();
  bins_ = by_length_;
  for (size_t bin = kBins; bin-- > 0;) {
    from_bin_[bin] = from_bin_[bin + 1];
    from_bin_[bin] += bins_[bin];
    centre_[bin] = bins_[bin].count == 0 ? 0 : bins_[bin].tokens / bins_[bin].count;
  }
  skew_ = skew_of_bins();
  fastest_ = speed_beyond(true);
  slowest_ = speed_beyond(false);
}

// Products and sums of doubles alone, each rounded as IEEE 754 says: the same on every platform.
int64_t OutputHistory::skew_of_bins() const {
  double squares = 0;
  double cubes = 0;
  const auto middle = static_cast<double>(mean());
  for (size_t bin = 0; bin < kBins; ++bin) {
    if (bins_[bin].count == 0) continue;
    const double off = static_cast<double>(centre_[bin]) - middle;
    const double square = static_cast<double>(bins_[bin].count) * off * off;
    squares += square;
    cubes += square * off;
  }
  return squares > 0 && cubes > 0 ? static_cast<int64_t>(cubes / squares) : 0;
}

// The mean of the bin in which the twentieth part of all, counted from one end, ends; 0 if none.
int64_t OutputHistory::speed_beyond(bool from_above) const {
  int64_t all = 0;
  for (const Sums& bin : by_speed_) all += bin.count;
  int64_t passed = 0;
  for (size_t i = 0; i < kBins && all > 0; ++i) {
    const Sums& bin = by_speed_[from_above ? kBins - 1 - i : i];
    passed += bin.count;
    if (passed > all / kOutside) return bin.tokens / bin.count;
  }
  return 0;
}

// What nineteen of twenty streams bring at most in a cell, in parts of a token.
int64_t OutputHistory::fastest_parts(DurationNs cell) const {
  constexpr int64_t kMost = kMostTokens * kTokenParts;
  if (fastest_ == 0) return kMost;
  return std::min(mul_div_up(fastest_, cell.ns * kTokenParts, kSpeedUnit.ns), kMost);
}

int64_t OutputHistory::least_in(DurationNs time) const {
  return std::min(mul_div(slowest_, time.ns, kSpeedUnit.ns), kMostTokens);
}

OutputHistory::Sums OutputHistory::longer_than(int64_t tokens) const {
  if (tokens < 0) return from_bin_[0];
  const size_t bin = bin_of(tokens);
  Sums sums = from_bin_[bin + 1];
  if (centre_[bin] > tokens) sums += bins_[bin];
  return sums;
}

std::optional<OutputCurve> OutputHistory::to_come(const Pace& pace, int64_t seen,
                                                  int64_t least) const {
  if (seen != 0) return draw(pace, seen, least);
  for (const Silent& known : silent_) {
    if (known.least == least && known.pace == pace) return known.curve;
  }
  if (silent_.size() == kMostSilent) silent_.clear();
  silent_.push_back(Silent{pace, least, draw(pace, seen, least)});
  return silent_.back().curve;
}

std::optional<OutputCurve> OutputHistory::draw(const Pace& pace, int64_t seen,
                                               int64_t least) const {
  const Sums possible = longer_than(least);
  if (possible.count == 0) return std::nullopt;
  const Divisor by_count(possible.count);
  const int64_t parts = fastest_parts(pace.cell);
  OutputCurve curve;
  int64_t mean_before = 0;
  int64_t variance_before = 0;
  for (size_t i = 0; i < kCurveSegments; ++i) {
    const int64_t age = kCurvePoints[i + 1];
    const int64_t more = std::min(parts * age / kTokenParts, kMostTokens);
    // Those that may still run then, and those that are through.
    const Sums running = seen + more <= least ? possible : longer_than(seen + more);
    const Sums through = possible - running;
    Sums sum = through;
    if (!pace.at_end) {
      sum.squares +=
          -2 * seen * through.tokens + seen * seen * through.count + more * more * running.count;
      sum.tokens += -seen * through.count + more * running.count;
    }
    const int64_t mean = by_count.of(sum.tokens * kTokenParts);
    const int64_t whole = mean / kTokenParts;
    const int64_t rest = sum.tokens - whole * possible.count;
    // Never less than before, also where more certainly ends: what fits later then fits for good.
    const int64_t variance = std::max(
        by_count.of(sum.squares) - whole * whole - by_count.of(2 * whole * rest), variance_before);
    const int64_t length = age - kCurvePoints[i];
    curve.mean[i] = kByLength[i].of(mean - mean_before);
    curve.variance[i] = kByLength[i].of(variance - variance_before);
    mean_before += curve.mean[i] * length;
    variance_before += curve.variance[i] * length;
    // All are through, and less than a part per cell is left.
    if (running.count == 0 && curve.mean[i] == 0 && curve.variance[i] == 0) break;
    curve.used = i + 1;
  }
  return curve;
}

const SummedCurve& OutputHistory::newcomer(const Pace& pace) const {
  for (const Newcomer& known : newcomers_) {
    if (known.pace == pace) return known.curve;
  }
  newcomers_.push_back(Newcomer{pace, SummedCurve(to_come(pace, 0, -1).value_or(OutputCurve{}))});
  return newcomers_.back().curve;
}

}  // namespace llmq::core
