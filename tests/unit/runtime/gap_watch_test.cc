#include "runtime/gap_watch.h"

#include <gtest/gtest.h>

namespace llmq::runtime {
namespace {

using core::DurationNs;
using core::kNever;
using core::milliseconds;
using core::seconds;
using core::TimeNs;

TimeNs at(int64_t ms) { return TimeNs{1'000'000'000'000} + milliseconds(ms); }

TEST(GapWatch, SeesNothingInWhatWasAskedFor) {
  GapWatch watch;
  EXPECT_EQ(watch.after_poll(at(0), seconds(7)), DurationNs{});
  watch.before_poll(at(0), at(60'000));
  EXPECT_EQ(watch.after_poll(at(60'001), seconds(7)), DurationNs{});
  watch.before_poll(at(60'001), at(90'000));
  EXPECT_EQ(watch.after_poll(at(61'000), seconds(7)), DurationNs{});  // something came in
  watch.before_poll(at(61'000), kNever);
  EXPECT_EQ(watch.after_poll(at(9'000'000), seconds(7)), DurationNs{});  // nothing came for hours
}

TEST(GapWatch, SeesThatThePollTookLonger) {
  GapWatch watch;
  watch.after_poll(at(0), {});
  watch.before_poll(at(0), at(1'000));
  EXPECT_EQ(watch.after_poll(at(3'000), {}), DurationNs{});
  watch.before_poll(at(3'000), at(4'000));
  EXPECT_EQ(watch.after_poll(at(6'001), {}), milliseconds(2'001));
  // Once: between two looks.
  EXPECT_EQ(watch.after_poll(at(9'000), {}), DurationNs{});
}

// A timer that was due before the poll began does not make the poll late.
TEST(GapWatch, CountsFromTheBeginningOfThePoll) {
  GapWatch watch;
  watch.after_poll(at(0), {});
  watch.before_poll(at(10'000), at(1'000));
  EXPECT_EQ(watch.after_poll(at(10'500), {}), DurationNs{});
  watch.before_poll(at(10'500), at(1'000));
  EXPECT_EQ(watch.after_poll(at(13'000), {}), milliseconds(2'500));
}

TEST(GapWatch, SeesSleepThatTheClockMissed) {
  GapWatch watch;
  watch.after_poll(at(0), seconds(100));
  watch.before_poll(at(0), kNever);
  EXPECT_EQ(watch.after_poll(at(5), seconds(100) + seconds(8 * 3600)), seconds(8 * 3600));
  EXPECT_EQ(watch.asleep(), seconds(100 + 8 * 3600));
  watch.before_poll(at(5), kNever);
  EXPECT_EQ(watch.after_poll(at(6), seconds(100 + 8 * 3600)), DurationNs{});
}

// The two clocks are not read at the same moment.
TEST(GapWatch, AddsUpShortSleepsAndForgetsReadingErrors) {
  GapWatch watch;
  watch.after_poll(at(0), {});
  EXPECT_EQ(watch.after_poll(at(1), milliseconds(1'500)), DurationNs{});
  EXPECT_EQ(watch.asleep(), DurationNs{});
  EXPECT_EQ(watch.after_poll(at(2), milliseconds(-3)), DurationNs{});
  EXPECT_EQ(watch.after_poll(at(3), milliseconds(2'500)), milliseconds(2'500));
  EXPECT_EQ(watch.asleep(), milliseconds(2'500));
}

TEST(GapWatch, AddsSleepAndLateness) {
  GapWatch watch;
  watch.after_poll(at(0), {});
  watch.before_poll(at(0), at(100));
  EXPECT_EQ(watch.after_poll(at(3'100), seconds(10)), seconds(13));
}

}  // namespace
}  // namespace llmq::runtime
