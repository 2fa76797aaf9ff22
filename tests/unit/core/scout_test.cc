#include "core/policy/scout.h"

#include <gtest/gtest.h>

namespace llmq::core {
namespace {

// Starts as many as it may until `until`; returns how many.
int64_t run(Scout& scout, TimeNs& now, TimeNs until) {
  int64_t started = 0;
  while (now < until) {
    const TimeNs at = scout.opens(now, 0);
    if (at > now) {
      now = at;
      continue;
    }
    scout.started(now);
    if (scout.opens(now, 0) == now) return started;  // no bound any more
    ++started;
  }
  return started;
}

TEST(Scout, DoublesPerAnswerWhereAnswersShowLimits) {
  Scout scout;
  scout.begin(false);
  const TimeNs now{};
  EXPECT_EQ(scout.opens(now, 0), now);
  EXPECT_EQ(scout.opens(now, 1), kNever);
  scout.answered(4);
  EXPECT_EQ(scout.opens(now, 1), now);
  EXPECT_EQ(scout.opens(now, 2), kNever);
  scout.answered(4);
  EXPECT_EQ(scout.opens(now, 1000), now);  // as many as may run in any case
}

TEST(Scout, SpacesStartsWhereNothingShowsLimits) {
  Scout scout;
  scout.begin(true);
  TimeNs now{};
  EXPECT_EQ(run(scout, now, TimeNs{seconds(1).ns}), 4);
  const int64_t more = run(scout, now, TimeNs{seconds(20).ns});
  EXPECT_GT(more, 100);
  // Whatever is started while a refusal is on its way is a small part of all.
  int64_t all = 4 + more;
  const int64_t at_once = run(scout, now, now + milliseconds(250));
  EXPECT_LE(at_once * 20, all);
  EXPECT_GE(at_once, 5);
  run(scout, now, now + seconds(60));
  EXPECT_EQ(scout.opens(now, 0), now);
}

TEST(Scout, GoesHalfAsFastAfterARefusalWithoutAName) {
  Scout scout;
  scout.begin(true);
  TimeNs now{};
  run(scout, now, TimeNs{seconds(20).ns});
  Scout refused = scout;
  const TimeNs before = now;
  refused.refused(now, now - milliseconds(10));
  refused.refused(now, before - milliseconds(5));  // of the same episode
  TimeNs later = now;
  TimeNs later_refused = now;
  const int64_t whole = run(scout, later, now + seconds(1));
  const int64_t half = run(refused, later_refused, now + seconds(1));
  EXPECT_NEAR(static_cast<double>(half), static_cast<double>(whole) / 2, 3);
}

TEST(Scout, EndsWhenALimitIsFound) {
  Scout scout;
  scout.begin(true);
  scout.started(TimeNs{});
  EXPECT_GT(scout.opens(TimeNs{}, 0), TimeNs{});
  scout.end();
  EXPECT_EQ(scout.opens(TimeNs{}, 1000), TimeNs{});
}

}  // namespace
}  // namespace llmq::core
