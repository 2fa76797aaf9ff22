// Quantiles of times in a bounded table: each power of two has `steps` entries, so that a quantile
// is at most 1 / steps too low.
#ifndef LLMQ_CLI_TIME_HISTOGRAM_H_
#define LLMQ_CLI_TIME_HISTOGRAM_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace llmq::cli {

template <int steps, typename Count>
class BasicTimeHistogram {
 public:
  void add(int64_t ns) {
    const auto value = static_cast<uint64_t>(std::max<int64_t>(ns, 0)) + steps;
    int exponent = 0;  // the top bits below the leading one choose the step
    while ((value >> exponent) >= 2 * steps) ++exponent;
    const auto step = static_cast<size_t>((value >> exponent) - steps);
    ++counts_[static_cast<size_t>(exponent) * steps + step];
    ++total_;
  }

  void merge(const BasicTimeHistogram& other) {
    for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    total_ += other.total_;
  }

  double quantile_ms(double q) const {
    if (total_ == 0) return 0;
    const auto rank = static_cast<uint64_t>(std::ceil(q * static_cast<double>(total_)));
    uint64_t seen = 0;
    for (size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen < std::max<uint64_t>(rank, 1)) continue;
      const uint64_t low = (static_cast<uint64_t>(i % steps) + steps) << (i / steps);
      return static_cast<double>(low - steps) / 1e6;
    }
    return 0;
  }

  bool empty() const { return total_ == 0; }

 private:
  std::array<Count, size_t{64} * steps> counts_{};
  uint64_t total_ = 0;
};

using TimeHistogram = BasicTimeHistogram<64, uint64_t>;

}  // namespace llmq::cli

#endif  // LLMQ_CLI_TIME_HISTOGRAM_H_
