// How output that is still to come is expected to be counted as time goes on.
//
// Time is cut into cells of a sixtieth of the limit's period. A curve gives mean and variance of
// what one stream adds within so many cells: straight lines between a few points, flat after the
// last. All in integers, so that sums of curves do not depend on their order.
#ifndef LLMQ_CORE_LIMIT_OUTPUT_CURVE_H_
#define LLMQ_CORE_LIMIT_OUTPUT_CURVE_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "core/time.h"

namespace llmq::core {

inline constexpr int64_t kCellsOfPeriod = 60;
// Ages, in cells, between which curves are straight.
inline constexpr std::array<int64_t, 17> kCurvePoints = {0,  1,  2,  3,  4,  6,  8,  10, 12,
                                                         15, 20, 25, 30, 40, 50, 60, 70};
inline constexpr size_t kCurveSegments = kCurvePoints.size() - 1;
inline constexpr int64_t kCurveCells = kCurvePoints.back();
inline constexpr int64_t kTokenParts = 1024;  // means are counted in such parts of a token

// When a limit counts output: cells of that length; as it is produced, or all of it at the end.
struct Pace {
  DurationNs cell{};
  bool at_end = false;

  friend bool operator==(const Pace& a, const Pace& b) {
    return a.cell == b.cell && a.at_end == b.at_end;
  }
};

// What is added per cell in each segment.
struct OutputCurve {
  size_t used = 0;                                 // segments; in those after them nothing is added
  std::array<int64_t, kCurveSegments> mean{};      // parts of a token
  std::array<int64_t, kCurveSegments> variance{};  // tokens^2
};

// The same, summed up to each age.
struct SummedCurve {
  std::array<int64_t, kCurveCells + 1> mean{};
  std::array<int64_t, kCurveCells + 1> variance{};

  explicit SummedCurve(const OutputCurve& curve) {
    for (size_t i = 0; i < kCurveSegments; ++i) {
      for (int64_t age = kCurvePoints[i]; age < kCurvePoints[i + 1]; ++age) {
        const auto at = static_cast<size_t>(age);
        mean[at + 1] = mean[at] + curve.mean[i];
        variance[at + 1] = variance[at] + curve.variance[i];
      }
    }
  }
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_LIMIT_OUTPUT_CURVE_H_
