#include "core/queue/timer_wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <vector>

#include "core/random.h"

namespace llmq::core {
namespace {

constexpr int64_t kMs = 1'000'000;

std::vector<Timer*> advance(TimerWheel& wheel, TimeNs now) {
  LinkList due;
  wheel.advance(now, due);
  std::vector<Timer*> fired;
  while (Link* link = due.front()) {
    link->unlink();
    fired.push_back(TimerWheel::timer_of(link));
  }
  return fired;
}

TEST(TimerWheel, FiresNeverBeforeItsTimeAndAtMostAMillisecondAfter) {
  TimerWheel wheel;
  Timer timer(TimerOwner::kRequest);
  wheel.schedule(timer, TimeNs{5 * kMs + 1});
  EXPECT_TRUE(timer.armed());
  EXPECT_EQ(wheel.next(), TimeNs{6 * kMs});
  EXPECT_TRUE(advance(wheel, TimeNs{6 * kMs - 1}).empty());
  EXPECT_EQ(advance(wheel, TimeNs{6 * kMs}), std::vector<Timer*>{&timer});
  EXPECT_FALSE(timer.armed());
  EXPECT_EQ(wheel.next(), kNever);
}

TEST(TimerWheel, FiresWhatIsOverdueAtTheNextTick) {
  TimerWheel wheel;
  advance(wheel, TimeNs{1'000 * kMs});
  Timer timer(TimerOwner::kModel);
  wheel.schedule(timer, TimeNs{3 * kMs});
  EXPECT_EQ(wheel.next(), TimeNs{1'001 * kMs});
  EXPECT_EQ(advance(wheel, TimeNs{1'001 * kMs}).size(), 1u);
}

TEST(TimerWheel, MovesATimerThatIsScheduledAnew) {
  TimerWheel wheel;
  Timer timer(TimerOwner::kRequest);
  wheel.schedule(timer, TimeNs{10 * kMs});
  wheel.schedule(timer, TimeNs{5'000 * kMs});
  EXPECT_TRUE(advance(wheel, TimeNs{4'999 * kMs}).empty());
  EXPECT_EQ(advance(wheel, TimeNs{5'000 * kMs}).size(), 1u);
}

// I12: nobody is woken for what was cancelled.
TEST(TimerWheel, I12_ForgetsCancelledTimers) {
  TimerWheel wheel;
  constexpr int64_t kDues[] = {3 * kMs, 300 * kMs, 70'000 * kMs, 20'000'000 * kMs,
                               10'000'000'000 * kMs};
  for (const int64_t due : kDues) {
    Timer one(TimerOwner::kRequest);
    Timer other(TimerOwner::kRequest);
    wheel.schedule(one, TimeNs{due});
    wheel.schedule(other, TimeNs{due});
    wheel.cancel(one);
    wheel.cancel(one);
    EXPECT_NE(wheel.next(), kNever);
    wheel.cancel(other);
    EXPECT_EQ(wheel.next(), kNever);
  }
}

TEST(TimerWheel, LetsACollectedTimerBeCancelledOrMoved) {
  TimerWheel wheel;
  Timer first(TimerOwner::kRequest);
  Timer second(TimerOwner::kRequest);
  Timer third(TimerOwner::kRequest);
  for (Timer* timer : {&first, &second, &third}) wheel.schedule(*timer, TimeNs{kMs});
  LinkList due;
  wheel.advance(TimeNs{kMs}, due);
  wheel.cancel(first);
  wheel.schedule(second, TimeNs{9 * kMs});
  ASSERT_EQ(due.front(), &third.link);
  wheel.cancel(third);
  EXPECT_TRUE(due.empty());
  EXPECT_EQ(advance(wheel, TimeNs{9 * kMs}), std::vector<Timer*>{&second});
}

TEST(TimerWheel, ReachesBeyondItsHorizon) {
  TimerWheel wheel;
  Timer timer(TimerOwner::kRequest);
  const TimeNs due = TimeNs{} + seconds(200 * 86'400);
  wheel.schedule(timer, due);
  int wakes = 0;
  TimeNs now{};
  std::vector<Timer*> fired;
  while (fired.empty()) {
    ASSERT_LT(wakes++, 32);
    ASSERT_GT(wheel.next(), now);
    now = wheel.next();
    fired = advance(wheel, now);
  }
  EXPECT_EQ(now, due);
}

// The obvious timer structure: by tick, in order of scheduling.
class Oracle {
 public:
  void schedule(Timer* timer, TimeNs due) {
    cancel(timer);
    const int64_t tick = due.ns / kMs + (due.ns % kMs > 0 ? 1 : 0);
    where_[timer] = by_tick_.emplace(std::max(tick, now_ + 1), timer);
  }
  void cancel(Timer* timer) {
    const auto found = where_.find(timer);
    if (found == where_.end()) return;
    by_tick_.erase(found->second);
    where_.erase(found);
  }
  std::vector<std::pair<int64_t, Timer*>> advance(TimeNs now) {
    now_ = std::max(now_, now.ns / kMs);
    std::vector<std::pair<int64_t, Timer*>> due;
    while (!by_tick_.empty() && by_tick_.begin()->first <= now_) {
      due.emplace_back(*by_tick_.begin());
      where_.erase(by_tick_.begin()->second);
      by_tick_.erase(by_tick_.begin());
    }
    return due;
  }
  TimeNs next() const { return by_tick_.empty() ? kNever : TimeNs{by_tick_.begin()->first * kMs}; }

 private:
  int64_t now_ = 0;
  std::multimap<int64_t, Timer*> by_tick_;
  std::map<Timer*, std::multimap<int64_t, Timer*>::iterator> where_;
};

TEST(TimerWheel, AgreesWithAMultimap) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    Random random(seed);
    TimerWheel wheel;
    Oracle oracle;
    std::deque<Timer> timers;
    for (int i = 0; i < 50; ++i) timers.emplace_back(TimerOwner::kRequest);
    TimeNs now{random.between(0, 1) * random.between(0, 100 * 86'400) * 1'000'000'000};
    const auto some_time = [&random] {
      return DurationNs{random.between(0, int64_t{1} << random.between(10, 53))};
    };
    for (int i = 0; i < 1500; ++i) {
      Timer& timer = timers[static_cast<size_t>(random.between(0, 49))];
      switch (random.between(0, 3)) {
        case 0:
        case 1: {
          const TimeNs due = random.between(0, 9) == 0 ? TimeNs{} : now + some_time();
          wheel.schedule(timer, due);
          oracle.schedule(&timer, due);
          break;
        }
        case 2:
          wheel.cancel(timer);
          oracle.cancel(&timer);
          break;
        default: {
          // To where the wheel says that something happens, or somewhere.
          const TimeNs wake = wheel.next();
          now =
              random.between(0, 2) > 0 && wake != kNever ? std::max(now, wake) : now + some_time();
          const std::vector<Timer*> fired = advance(wheel, now);
          const auto expected = oracle.advance(now);
          ASSERT_EQ(fired.size(), expected.size()) << "seed " << seed << " step " << i;
          std::map<Timer*, int64_t> tick_of;
          for (const auto& [tick, due] : expected) tick_of[due] = tick;
          int64_t last = 0;
          for (Timer* one : fired) {
            ASSERT_TRUE(tick_of.count(one) == 1) << "seed " << seed << " step " << i;
            ASSERT_GE(tick_of[one], last) << "not in the order of ticks";
            last = tick_of[one];
          }
          if (wheel.next() != kNever) {
            ASSERT_GT(wheel.next(), now) << "the next wake-up must be ahead";
          }
        }
      }
      ASSERT_EQ(wheel.next() == kNever, oracle.next() == kNever)
          << "seed " << seed << " step " << i;
      ASSERT_LE(wheel.next(), oracle.next()) << "seed " << seed << " step " << i;
    }
  }
}

// I12: a timer costs at most one wake-up per level.
TEST(TimerWheel, I12_WakesFewTimesForOneTimer) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    TimerWheel wheel;
    TimeNs now{random.between(0, int64_t{1} << 50)};
    advance(wheel, now);
    Timer timer(TimerOwner::kRequest);
    const TimeNs due = now + DurationNs{random.between(0, int64_t{1} << random.between(20, 51))};
    wheel.schedule(timer, due);
    int wakes = 0;
    while (timer.armed()) {
      ASSERT_LT(++wakes, 5) << "seed " << seed;
      now = wheel.next();
      advance(wheel, now);
    }
    EXPECT_GE(now, due);
    EXPECT_LT((now - due).ns, kMs * (due <= now - milliseconds(1) ? 2 : 1));
  }
}

}  // namespace
}  // namespace llmq::core
