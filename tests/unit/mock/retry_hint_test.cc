#include "mock/retry_hint.h"

#include <gmock/gmock.h>

namespace llmq::mock {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr Nanos kWait(1'234'000'001);
constexpr int64_t kUnixMs = 1'787'150'060'900;  // 2026-08-19T14:34:20.9Z

RetryHint hint_of(Hints hints, const Provider& provider = kOpenAi) {
  return make_retry_hint(hints, provider, kWait, kUnixMs);
}

TEST(RetryHint, HasEachFormThatClientsMeet) {
  EXPECT_THAT(hint_of(Hints::kSeconds).lines, ElementsAre(Pair("Retry-After", "2")));
  EXPECT_EQ(hint_of(Hints::kSeconds).told, seconds(2));
  EXPECT_THAT(hint_of(Hints::kFloat).lines, ElementsAre(Pair("Retry-After", "1.235")));
  EXPECT_EQ(hint_of(Hints::kFloat).told, milliseconds(1235));
  EXPECT_THAT(hint_of(Hints::kMs).lines, ElementsAre(Pair("retry-after-ms", "1235")));
  EXPECT_EQ(hint_of(Hints::kMs).told, milliseconds(1235));
  // 14:34:20.9 + 1.235 s is 14:34:22.135: the first whole second that is late enough.
  EXPECT_THAT(hint_of(Hints::kDate).lines,
              ElementsAre(Pair("Retry-After", "Wed, 19 Aug 2026 14:34:23 GMT")));
  EXPECT_EQ(hint_of(Hints::kDate).told, milliseconds(2100));
  for (const Hints hints : {Hints::kSeconds, Hints::kFloat, Hints::kMs, Hints::kDate}) {
    EXPECT_FALSE(hint_of(hints).words) << name_of(hints);
  }
}

TEST(RetryHint, SaysNothingIfToldSo) {
  const RetryHint hint = hint_of(Hints::kNone);
  EXPECT_THAT(hint.lines, IsEmpty());
  EXPECT_FALSE(hint.words);
  EXPECT_FALSE(hint.told);
}

TEST(RetryHint, IsThatOfTheProvider) {
  EXPECT_THAT(hint_of(Hints::kBoth).lines,
              ElementsAre(Pair("Retry-After", "2"), Pair("retry-after-ms", "1235")));
  EXPECT_EQ(hint_of(Hints::kBoth).told, milliseconds(1235));
  EXPECT_THAT(hint_of(Hints::kBoth, kAnthropic).lines, ElementsAre(Pair("Retry-After", "2")));
  EXPECT_EQ(hint_of(Hints::kBoth, kAnthropic).told, seconds(2));
  EXPECT_FALSE(hint_of(Hints::kBody, kAnthropic).told);
  EXPECT_THAT(hint_of(Hints::kBoth, kGemini).lines, IsEmpty());
  EXPECT_EQ(hint_of(Hints::kBoth, kGemini).told, kWait);
  EXPECT_EQ(hint_of(Hints::kBody, kAzure).told, seconds(2));
  EXPECT_FALSE(hint_of(Hints::kBoth, *find_provider("mistral")).told);
}

}  // namespace
}  // namespace llmq::mock
