#include "provider/duration.h"

#include <gtest/gtest.h>

namespace llmq::provider {
namespace {

std::optional<int64_t> us(const char* text) {
  const auto ns = read_duration(text, kNsPerSecond);
  return ns ? std::optional<int64_t>(*ns / 1000) : std::nullopt;
}

TEST(ProviderDuration, ReadsWhatProvidersWrite) {
  EXPECT_EQ(us("0s"), 0);
  EXPECT_EQ(us("6ms"), 6'000);
  EXPECT_EQ(us("1.5s"), 1'500'000);
  EXPECT_EQ(us("6m0s"), 360'000'000);
  EXPECT_EQ(us("1h2m3s"), 3'723'000'000);
  EXPECT_EQ(us("20m52.666s"), 1'252'666'000);
  EXPECT_EQ(us("172.799999ms"), 172'799);
  EXPECT_EQ(us("250us"), 250);
  EXPECT_EQ(us("250\u00b5s"), 250);
  EXPECT_EQ(us(" 7 "), 7'000'000);
  EXPECT_EQ(us("500ms"), 500'000);
  EXPECT_EQ(us("500 milliseconds"), 500'000);
  EXPECT_EQ(us("1 millisecond"), 1'000);
  EXPECT_EQ(us("20 msec"), 20'000);
  EXPECT_EQ(us("40 microseconds"), 40);
  EXPECT_EQ(us("5 min"), 300'000'000);
  EXPECT_EQ(us("2 hrs"), 7'200'000'000);
  EXPECT_EQ(us("1d2h"), 93'600'000'000);
  EXPECT_EQ(us("2 days"), 172'800'000'000);
  EXPECT_EQ(us("2m 59.5s"), 179'500'000);
  EXPECT_EQ(us("1 minute and 30 seconds"), 90'000'000);
  EXPECT_EQ(read_duration("500", kNsPerMs), 500'000'000);
}

TEST(ProviderDuration, LeavesWhatFollows) {
  std::string_view text = "33 seconds. Visit";
  EXPECT_EQ(take_duration(text, kNsPerSecond), 33 * kNsPerSecond);
  EXPECT_EQ(text, ". Visit");
  text = "2m 3 times";
  EXPECT_EQ(take_duration(text, kNsPerSecond), 120 * kNsPerSecond);
  EXPECT_EQ(text, " 3 times");
  text = "5 more";
  EXPECT_EQ(take_duration(text, kNsPerSecond), 5 * kNsPerSecond);
}

TEST(ProviderDuration, OfMoreThanAYearIsAYear) {
  EXPECT_EQ(read_duration("999999999999999h", kNsPerSecond), kLongestDurationNs);
  EXPECT_EQ(read_duration("9000h9000h", kNsPerSecond), kLongestDurationNs);
}

TEST(ProviderDuration, IsNothingElse) {
  for (const char* text :
       {"", "s", "-5s", "5 x", "tomorrow", "NaNs", "5 moments", "5mx", "9999999999999999s"}) {
    EXPECT_EQ(read_duration(text, kNsPerSecond), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace llmq::provider
