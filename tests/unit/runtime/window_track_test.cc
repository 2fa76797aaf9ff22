#include "runtime/window_track.h"

#include <gtest/gtest.h>

#include <vector>

namespace llmq::runtime {
namespace {

using core::Calendar;
using core::DurationNs;
using core::seconds;
using core::TimeNs;

constexpr int64_t kMidnightMs = 1'795'564'800'000;  // 2026-11-25T00:00:00Z
constexpr int64_t kDayMs = 86'400'000;
constexpr int64_t kHourMs = 3'600'000;

// A machine: its clocks show the same time as the world's until one of them is disturbed.
class Machine {
 public:
  // Noon, and the machine has run for a million seconds.
  Clocks clocks() const { return {mono_, asleep_, wall_ms_}; }
  void run(int64_t ms) {
    mono_ = mono_ + core::milliseconds(ms);
    wall_ms_ += ms;
  }
  void sleep(int64_t ms) {
    asleep_ = asleep_ + core::milliseconds(ms);
    wall_ms_ += ms;
  }
  void set_wall(int64_t by_ms) { wall_ms_ += by_ms; }
  TimeNs mono() const { return mono_; }
  TimeNs in(int64_t ms) const { return mono_ + core::milliseconds(ms); }

 private:
  TimeNs mono_{seconds(1'000'000).ns};
  DurationNs asleep_{};
  int64_t wall_ms_ = kMidnightMs + kDayMs / 2;
};

class Track : public testing::Test {
 protected:
  std::optional<WindowTimes> follow() { return track_.follow(machine_.clocks()); }
  void expect_told(TimeNs start, TimeNs end) {
    const auto told = follow();
    ASSERT_TRUE(told.has_value());
    EXPECT_EQ(told->start.ns, start.ns);
    EXPECT_EQ(told->end.ns, end.ns);
    EXPECT_EQ(told->next_end.ns - told->end.ns, kDayMs * 1'000'000);
    EXPECT_EQ(track_.due(), told->end);
    EXPECT_FALSE(follow().has_value()) << "told twice";
  }

  Machine machine_;
  WindowTrack track_{Calendar::kDay, ""};
};

TEST_F(Track, OpensTheWindowOfNowAndThoseThatFollow) {
  EXPECT_EQ(track_.due(), core::kNever);
  expect_told(machine_.in(-kDayMs / 2), machine_.in(kDayMs / 2));
  machine_.run(kDayMs / 2 - 1);
  EXPECT_FALSE(follow().has_value());
  machine_.run(1);
  EXPECT_EQ(track_.due(), machine_.mono());
  expect_told(machine_.mono(), machine_.in(kDayMs));
  machine_.run(kDayMs + 5'000);  // a late look: the window began when it did
  expect_told(machine_.in(-5'000), machine_.in(kDayMs - 5'000));
}

TEST_F(Track, LeavesOutWindowsThatNobodySaw) {
  follow();
  machine_.run(3 * kDayMs);
  expect_told(machine_.in(-kDayMs / 2), machine_.in(kDayMs / 2));
}

TEST_F(Track, AStepForwardOpensNothingBeforeTheSteadyClockGetsThere) {
  for (const int64_t step : {13 * kHourMs, kDayMs, 400 * kDayMs}) {
    SCOPED_TRACE(step);
    Machine machine;
    WindowTrack track(Calendar::kDay, "");
    const TimeNs midnight = machine.in(kDayMs / 2);
    track.follow(machine.clocks());
    machine.set_wall(step);
    EXPECT_FALSE(track.follow(machine.clocks()).has_value());
    machine.run(kDayMs / 2 - 1);
    EXPECT_FALSE(track.follow(machine.clocks()).has_value());
    machine.run(1);
    const auto told = track.follow(machine.clocks());
    ASSERT_TRUE(told.has_value());
    EXPECT_EQ(told->start, midnight);
  }
}

TEST_F(Track, AStepForwardCountsFromTheNextWindowOn) {
  follow();
  machine_.set_wall(kHourMs);
  EXPECT_FALSE(follow().has_value());
  machine_.run(kDayMs / 2);
  expect_told(machine_.mono(), machine_.in(23 * kHourMs));
}

TEST_F(Track, AStepBackwardMovesTheEndAwayAndOpensNothingTwice) {
  follow();
  machine_.run(kDayMs / 2 + kHourMs);
  const TimeNs midnight = machine_.in(-kHourMs);
  expect_told(midnight, machine_.in(23 * kHourMs));
  machine_.set_wall(-2 * kHourMs);  // the boundary lies ahead again
  expect_told(midnight, machine_.in(25 * kHourMs));
  machine_.run(kHourMs + 1);  // and is passed again
  EXPECT_FALSE(follow().has_value());
  machine_.run(24 * kHourMs - 1);
  expect_told(machine_.mono(), machine_.in(kDayMs));
}

TEST_F(Track, AWallClockThatReturnsRestoresTheEndAndNoMore) {
  follow();
  const TimeNs start = machine_.in(-kDayMs / 2);
  const TimeNs midnight = machine_.in(kDayMs / 2);
  machine_.set_wall(-kDayMs);
  expect_told(start, midnight + core::milliseconds(kDayMs));
  machine_.set_wall(2 * kDayMs);
  expect_told(start, midnight);
}

TEST_F(Track, SmallDriftMovesNothing) {
  follow();
  for (const int64_t step : {1'900, -3'800, 1'900}) {
    machine_.set_wall(step);
    EXPECT_FALSE(follow().has_value());
  }
}

// Nothing begins before the wall clock says so too.
TEST_F(Track, WaitsForAWallClockThatIsALittleBehind) {
  follow();
  const TimeNs start = machine_.in(-kDayMs / 2);
  machine_.set_wall(-1'500);
  machine_.run(kDayMs / 2);
  expect_told(start, machine_.in(1'500));
  machine_.run(1'500);
  expect_told(machine_.mono(), machine_.in(kDayMs));
}

TEST_F(Track, SleepBringsTheEndNearerOnAClockThatStoodStill) {
  follow();
  const TimeNs start = machine_.in(-kDayMs / 2);
  machine_.run(kHourMs);
  follow();
  machine_.sleep(8 * kHourMs);
  expect_told(start, machine_.in(3 * kHourMs));
  // What begins during a sleep begins after all that came before it.
  machine_.run(kHourMs);
  EXPECT_FALSE(follow().has_value());
  machine_.sleep(8 * kHourMs);
  expect_told(machine_.mono(), machine_.in(18 * kHourMs));
}

// Whatever the wall clock does, windows open in order, and at most as often as days pass.
TEST_F(Track, AnyStepsOfTheWallClockOpenNoBoundaryTwice) {
  std::vector<TimeNs> starts;
  const std::vector<int64_t> steps{kDayMs,     -kDayMs, -kHourMs, 2 * kHourMs, -3 * kDayMs,
                                   3 * kDayMs, 61'000,  -61'000,  kDayMs / 2,  -kDayMs / 2};
  int64_t passed_ms = 0;
  for (int i = 0; i < 400; ++i) {
    machine_.set_wall(steps[static_cast<size_t>(i) % steps.size()]);
    for (int hour = 0; hour < 5; ++hour) {
      if (const auto told = follow()) {
        EXPECT_GT(told->end, machine_.mono());
        EXPECT_LE(told->start, machine_.mono());
        if (starts.empty() || told->start != starts.back()) starts.push_back(told->start);
      }
      machine_.run(kHourMs);
      passed_ms += kHourMs;
    }
  }
  for (size_t i = 1; i < starts.size(); ++i) EXPECT_GT(starts[i], starts[i - 1]);
  EXPECT_LE(static_cast<int64_t>(starts.size()), passed_ms / kDayMs + 2);
  EXPECT_GT(starts.size(), 10u);
}

#if defined(LLMQ_HAVE_CALENDAR)
TEST(TrackInZone, HasADayOf23Hours) {
  WindowTrack track(Calendar::kDay, "Europe/Berlin");
  const TimeNs mono{seconds(1'000'000).ns};
  // 2026-03-29T12:00:00Z, between 2026-03-28T23:00Z and 2026-03-29T22:00Z
  const auto told = track.follow({mono, {}, 1'774'785'600'000});
  ASSERT_TRUE(told.has_value());
  EXPECT_EQ((told->end - told->start), seconds(23 * 3600));
  EXPECT_EQ((told->end - mono), seconds(10 * 3600));
  EXPECT_EQ((told->next_end - told->end), seconds(24 * 3600));
}
#endif

TEST(TrackInZone, ThatIsUnknownHasNoWindow) {
  WindowTrack track(Calendar::kDay, "Europe/Berln");
  EXPECT_FALSE(track.follow({TimeNs{5}, {}, kMidnightMs}).has_value());
  EXPECT_EQ(track.due(), core::kNever);
}

}  // namespace
}  // namespace llmq::runtime
