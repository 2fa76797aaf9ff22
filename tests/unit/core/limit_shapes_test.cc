// Declared shapes against the mock provider's own counters: whatever the way to the provider takes,
// within J, nothing is refused (I1), and a lone user reaches its quota (I5).
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <queue>
#include <string>
#include <vector>

#include "core/limit/limit.h"
#include "core/random.h"
#include "mock/limit.h"
#include "tests/support/engine_sim.h"

namespace llmq::core {
namespace {

constexpr TimeNs kStart{777'000'000'000'123};

struct Case {
  std::string name;
  LimitSpec ours;
  mock::LimitSpec theirs;
  double least_use = 0.99;  // of N per T + J
};

void PrintTo(const Case& what, std::ostream* out) { *out << what.name; }

mock::Nanos nanos(DurationNs span) { return mock::Nanos(span.ns); }

Case make(std::string name, Shape shape, mock::Shape theirs, int64_t amount, DurationNs period) {
  Case c;
  c.name = std::move(name);
  c.ours = sim::per_period(LimitKind::kTokens, amount, period, ChargeModel::kArrival,
                           default_jitter(period));
  c.ours.shape = shape;
  c.theirs.kind = mock::LimitKind::kTokens;
  c.theirs.shape = theirs;
  c.theirs.amount = amount;
  c.theirs.period = nanos(period);
  return c;
}

std::vector<Case> cases() {
  std::vector<Case> all;
  const DurationNs six = seconds(6);
  const DurationNs minute = seconds(60);
  all.push_back(make("sliding", Shape::kSliding, mock::Shape::kSliding, 6000, six));
  all.push_back(make("sliding_on_fixed", Shape::kSliding, mock::Shape::kFixed, 6000, six));
  all.push_back(make("sliding_on_bucket", Shape::kSliding, mock::Shape::kBucket, 6000, minute));
  all.push_back(make("bucket", Shape::kBucket, mock::Shape::kBucket, 6000, six));
  Case tenth = make("bucket_of_a_tenth", Shape::kBucket, mock::Shape::kBucket, 6000, six);
  tenth.ours.burst = 600;
  tenth.theirs.burst_ppm = 100'000;
  all.push_back(tenth);
  all.push_back(make("fixed", Shape::kFixed, mock::Shape::kFixed, 6000, six));
  for (const mock::Shape theirs : {mock::Shape::kSliding, mock::Shape::kFixed, mock::Shape::kBucket,
                                   mock::Shape::kTwoBucket}) {
    Case paced = make(std::string("paced_on_") + mock::name_of(theirs), Shape::kPaced, theirs,
                      60'000, minute);
    paced.least_use = 0.97;
    all.push_back(paced);
  }
  Case slices = make("slices", Shape::kQuantised, mock::Shape::kQuantised, 6000, six);
  slices.ours.slice = seconds(1);
  slices.theirs.slice = std::chrono::seconds(1);
  slices.least_use = 0.93;
  all.push_back(slices);
  Case tens = make("slices_of_10s", Shape::kQuantised, mock::Shape::kQuantised, 60'000, minute);
  tens.ours.slice = seconds(10);
  tens.theirs.slice = std::chrono::seconds(10);
  tens.least_use = 0.96;
  all.push_back(tens);
  return all;
}

class LimitShapes : public testing::TestWithParam<Case> {};

TEST_P(LimitShapes, I1_I5_NothingIsRefusedAndNothingIsLeft) {
  const Case& c = GetParam();
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    Random random(seed);
    Limit limit(c.ours);
    mock::RateLimit provider(c.theirs, seed);
    struct Arrival {
      TimeNs at;
      int64_t cost;
      bool operator<(const Arrival& other) const { return at > other.at; }
    };
    std::priority_queue<Arrival> way;
    int64_t accepted = 0;
    const auto arrive_until = [&](TimeNs time) {
      while (!way.empty() && way.top().at <= time) {
        const Arrival call = way.top();
        way.pop();
        const mock::Nanos at{(call.at - kStart).ns};
        ASSERT_TRUE(provider.would_accept(at, call.cost))
            << "seed " << seed << " at " << at.count() << " ns";
        provider.charge(at, call.cost);
        accepted += call.cost;
      }
    };
    TimeNs now = kStart;
    if (c.ours.shape == Shape::kFixed) {
      const TimeNs edge = kStart + DurationNs{provider.first_edge()->count()};
      limit.set_windows(edge - c.ours.period, edge, edge + c.ours.period);
    }
    TimeNs end = kStart + DurationNs{20 * c.ours.period.ns};
    const bool unit = seed % 2 == 0;
    const int64_t largest = unit ? c.ours.amount / 500 : c.ours.amount / 60;
    TimeNs edge = c.ours.shape == Shape::kFixed
                      ? kStart + DurationNs{provider.first_edge()->count()}
                      : kNever;
    std::deque<std::pair<TimeNs, Hold>> unsent;
    while (now < end) {
      while (edge <= now) {
        limit.set_windows(edge, edge + c.ours.period, edge + c.ours.period + c.ours.period);
        edge = edge + c.ours.period;
      }
      const int64_t cost = unit ? largest : random.between(1, largest);
      const TimeNs at = limit.earliest(now, cost);
      if (at > now) {
        // Timers are late by up to 1 ms; reservations leave in between.
        TimeNs next = at == kNever ? kNever : at + DurationNs{random.between(0, 1'000'000)};
        if (!unsent.empty()) next = std::min(next, unsent.front().first);
        if (edge < next) next = edge;
        ASSERT_NE(next, kNever);
        now = std::max(now, next);
        while (!unsent.empty() && unsent.front().first <= now) {
          limit.sent(now, unsent.front().second);
          way.push(
              {now + DurationNs{random.between(0, c.ours.jitter.ns)}, unsent.front().second.cost});
          unsent.pop_front();
        }
        arrive_until(now);
        if (testing::Test::HasFatalFailure()) return;
        continue;
      }
      Hold hold;
      limit.reserve(now, hold, cost);
      unsent.emplace_back(now + DurationNs{random.between(0, 200'000)}, hold);
      std::sort(unsent.begin(), unsent.end(),
                [](const auto& a, const auto& b) { return a.first < b.first; });
    }
    const double windows = static_cast<double>(now.ns - kStart.ns) /
                           static_cast<double>(c.ours.period.ns + c.ours.jitter.ns);
    const double possible = windows * static_cast<double>(c.ours.amount);
    EXPECT_GE(static_cast<double>(accepted), c.least_use * possible) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, LimitShapes, testing::ValuesIn(cases()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace llmq::core
