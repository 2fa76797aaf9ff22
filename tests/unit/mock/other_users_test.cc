// What happens to a limit without our calls: others use it, and it changes.
#include "mock/other_users.h"

#include <gtest/gtest.h>

#include <vector>

#include "mock/account.h"

namespace llmq::mock {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

LimitSpec limit_of(const char* text) { return parse_limit(text).value(); }

TEST(OtherUsers, TakeTheirShareOfAPeriod) {
  for (const char* limit : {"requests=300/1m", "tokens=60000/6s", "requests=10/1m"}) {
    const LimitSpec spec = limit_of(limit);
    OtherUsers others(spec, 1, 300'000);
    int64_t asked = 0;
    Nanos last{};
    while (const auto wish = others.next(1000 * spec.period)) {
      EXPECT_GT(wish->at, last);
      EXPECT_LE(wish->at, 1000 * spec.period);
      EXPECT_GT(wish->cost, 0);
      last = wish->at;
      asked += wish->cost;
    }
    // Only the last ten periods are made up for one who looks that late.
    const double mean = 0.3 * 10 * static_cast<double>(spec.amount);
    EXPECT_NEAR(static_cast<double>(asked), mean, 0.15 * mean) << limit;
  }
}

TEST(OtherUsers, AskTheSameHoweverOftenOneLooks) {
  const LimitSpec spec = limit_of("requests=300/1m");
  const auto all = [&](Nanos step) {
    OtherUsers others(spec, 7, 100'000);
    std::vector<std::pair<int64_t, int64_t>> wishes;
    for (Nanos now = step; now <= minutes(5); now += step) {
      while (const auto wish = others.next(now)) wishes.emplace_back(wish->at.count(), wish->cost);
    }
    return wishes;
  };
  EXPECT_FALSE(all(seconds(1)).empty());
  EXPECT_EQ(all(seconds(1)), all(minutes(5)));
  EXPECT_EQ(all(seconds(1)), all(seconds(60)));
}

TEST(OtherUsers, LeaveLessForUs) {
  Account account({limit_of("requests=100/10s")}, Charge::kArrivalInput, 1, 400'000);
  account.advance(Nanos(0));
  account.advance(seconds(10));
  const LimitReport before = account.report()[0];
  EXPECT_NEAR(static_cast<double>(before.others_units), 40, 15);
  EXPECT_EQ(before.accepted_units, 0);
  EXPECT_EQ(before.busiest_window, 0);
  EXPECT_LT(account.view(LimitKind::kRequests, seconds(10))->remaining(), 80);
  int64_t accepted = 0;
  while (!account.arrive(seconds(10), {1, 0})) ++accepted;
  EXPECT_LT(accepted, 80);
  EXPECT_EQ(account.report()[0].busiest_window, accepted);
  // Full, so they are refused as well.
  account.advance(milliseconds(10'500));
  EXPECT_LE(account.view(LimitKind::kRequests, milliseconds(10'500))->used, 100);
}

int64_t accepted_at(Account& account, Nanos now) {
  account.advance(now);
  int64_t accepted = 0;
  while (!account.arrive(now, {1, 0})) ++accepted;
  return accepted;
}

TEST(ChangingLimit, HoldsTheNewAmountFromItsTimeOn) {
  for (const char* shape : {"sliding", "fixed", "bucket", "two_bucket"}) {
    const std::string text = std::string("requests=40/1s,change=10@5s,shape=") + shape;
    Account account({limit_of(text.c_str())}, Charge::kArrivalInput, 1);
    EXPECT_EQ(accepted_at(account, Nanos(0)), 40) << shape;
    EXPECT_EQ(account.view(LimitKind::kRequests, Nanos(0))->amount, 40) << shape;
    EXPECT_EQ(accepted_at(account, seconds(9)), 10) << shape;
    EXPECT_EQ(account.view(LimitKind::kRequests, seconds(9))->amount, 10) << shape;
    EXPECT_EQ(accepted_at(account, seconds(20)), 10) << shape;
  }
}

TEST(ChangingLimit, KeepsWhatIsUsed) {
  Account bucket({limit_of("requests=60/1m,shape=bucket,change=30@10s")}, Charge::kArrivalInput, 1);
  EXPECT_EQ(accepted_at(bucket, Nanos(0)), 60);
  // Ten were refilled at the old rate; the 50 that are used leave nothing of 30.
  EXPECT_EQ(accepted_at(bucket, seconds(10)), 0);
  EXPECT_EQ(accepted_at(bucket, seconds(12)), 1);
  Account larger({limit_of("requests=60/1m,shape=bucket,change=120@10s")}, Charge::kArrivalInput,
                 1);
  EXPECT_EQ(accepted_at(larger, Nanos(0)), 60);
  EXPECT_EQ(accepted_at(larger, seconds(10)), 70);
}

TEST(ChangingLimit, HasAnIdealThatKnowsTheChange) {
  Account account({limit_of("requests=10/1s,change=5@2s")}, Charge::kArrivalInput, 1);
  Nanos now{};
  for (int i = 0; i < 40;) {
    account.advance(now);
    if (account.arrive(now, {1, 0})) {
      now += milliseconds(1);
    } else {
      ++i;
    }
  }
  // 10 each at 0 and 1 s, then 5 at 2, 3, 4 and 5 s.
  EXPECT_EQ(account.ideal(), Nanos(seconds(5)));
  EXPECT_EQ(account.last_accepted(), Nanos(seconds(5)));
}

}  // namespace
}  // namespace llmq::mock
