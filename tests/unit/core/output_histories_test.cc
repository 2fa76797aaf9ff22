#include "core/output_histories.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/random.h"

namespace llmq::core {
namespace {

Request call_of(uint8_t priority, uint32_t reserved) {
  Request request;
  request.priority = priority & 7U;
  request.est_output_tokens = reserved;
  return request;
}

void add(OutputHistories& outputs, const Request& request, int64_t tokens, bool projects) {
  outputs.add(request, tokens, tokens, DurationNs{tokens * 20'000'000}, projects);
}

TEST(OutputQuantile, IsUnknownUntilTwentyAnswers) {
  OutputHistories outputs;
  const Request call = call_of(0, 100);
  for (int i = 1; i < 20; ++i) {
    add(outputs, call, i, false);
    EXPECT_EQ(outputs.p95(call), OutputHistories::kUnknown);
  }
  add(outputs, call, 20, false);
  EXPECT_EQ(outputs.p95(call), 19);
  EXPECT_EQ(outputs.p95(call_of(4, 100)), OutputHistories::kUnknown) << "of another priority";
}

// Whatever was reserved, and whether or not a limit projects them: from the start, never, or from
// some output on.
TEST(OutputQuantile, IsThatOfTheSortedLastOnes) {
  for (const size_t projected_from : {size_t{0}, size_t{77}, size_t{300}, SIZE_MAX}) {
    Random random(23);
    OutputHistories outputs;
    std::vector<int64_t> all;
    int64_t p95 = OutputHistories::kUnknown;
    double judged = 0;
    double passed = 0;
    for (int i = 0; i < 1'000; ++i) {
      const Request call = call_of(2, uint32_t{1} << random.between(0, 20));
      all.push_back(random.between(0, 1 << random.between(1, 12)));
      if (p95 != OutputHistories::kUnknown) {
        judged += 1;
        passed += all.back() > p95 ? 1 : 0;
      }
      add(outputs, call, all.back(), all.size() > projected_from);
      add(outputs, call_of(1, 64), 1'000'000, false);  // of another priority
      p95 = outputs.p95(call);
      if (all.size() < OutputHistories::kLeast) continue;
      std::vector<int64_t> last(
          all.end() - static_cast<std::ptrdiff_t>(std::min(all.size(), OutputHistories::kRecent)),
          all.end());
      std::sort(last.begin(), last.end());
      const auto not_above =
          static_cast<size_t>(std::upper_bound(last.begin(), last.end(), p95) - last.begin());
      const auto below =
          static_cast<size_t>(std::lower_bound(last.begin(), last.end(), p95) - last.begin());
      ASSERT_GE(not_above * 100, last.size() * 95) << i;
      ASSERT_LT(below * 100, last.size() * 95) << i;
    }
    EXPECT_NEAR(passed / judged, 0.05, 0.02);
  }
}

TEST(OutputQuantile, KnowsWhatIsLongerThanAnyProjection) {
  OutputHistories outputs;
  const Request call = call_of(0, 100);
  for (int i = 0; i < 40; ++i) add(outputs, call, int64_t{3} << 20, i > 20);
  EXPECT_EQ(outputs.p95(call), int64_t{3} << 20);
}

TEST(OutputHistories, AreToldWhereTheyAreProjectedAndEnoughIsKnown) {
  OutputHistories outputs;
  const Request call = call_of(0, 100);
  for (int i = 0; i < 300; ++i) add(outputs, call, 50, false);
  EXPECT_EQ(outputs.of(call), nullptr) << "nobody asks for it";
  // What has been kept counts from the first one on that is projected.
  const int more = static_cast<int>(OutputHistory::kEnough - OutputHistories::kRecent);
  for (int i = 0; i < more; ++i) {
    EXPECT_EQ(outputs.of(call), nullptr) << i;
    add(outputs, call, 50, true);
  }
  ASSERT_NE(outputs.of(call), nullptr);
  EXPECT_EQ(outputs.of(call)->mean(), 50);
  EXPECT_EQ(outputs.of(call_of(0, 5'000)), nullptr) << "of another size";
  EXPECT_EQ(outputs.of(call_of(1, 100)), nullptr) << "of another priority";
}

// A history that was made of a log knows the same as one that saw all of it.
TEST(OutputHistories, GoOnFromWhatWasKept) {
  OutputLog log(OutputHistories::kRecent);
  OutputHistory all;
  Random random(7);
  std::vector<int64_t> lengths;
  for (int i = 0; i < 500; ++i) lengths.push_back(random.between(40, 4'000));
  const size_t kept = 300;
  for (size_t i = 0; i < kept; ++i) {
    log.push(OutputHistory::output_of(lengths[i], lengths[i], DurationNs{lengths[i] * 20'000'000}));
  }
  OutputHistory resumed(std::move(log));
  for (size_t i = 0; i < lengths.size(); ++i) {
    const DurationNs took{lengths[i] * 20'000'000};
    if (i >= kept - OutputHistories::kRecent) all.add(lengths[i], lengths[i], took);
    if (i >= kept) resumed.add(lengths[i], lengths[i], took);
  }
  EXPECT_EQ(resumed.log().size(), all.log().size());
  ASSERT_TRUE(resumed.knows());
  EXPECT_EQ(resumed.mean(), all.mean());
  EXPECT_EQ(resumed.least_in(seconds(1)), all.least_in(seconds(1)));
}

}  // namespace
}  // namespace llmq::core
