// Shape auto against the mock provider's own counters, under the virtual clock: what is published
// is 300 requests and 60,000 tokens per 6 s, what is enforced differs from case to case.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "tests/support/learning_run.h"

namespace llmq::sim {

void PrintTo(const LearningCase& what, std::ostream* out) { *out << what.name; }

}  // namespace llmq::sim

namespace llmq::core {
namespace {

struct Case : sim::LearningCase {
  double most_refused = 0;
  double most_time = 1.05;
};

class Learning : public testing::TestWithParam<Case> {};

TEST_P(Learning, ReachesWhatTheProviderAllows) {
  const Case& c = GetParam();
  std::vector<double> times;
  std::vector<double> shares;
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    const sim::LearningResult result = sim::run_learning(c, seed);
    ASSERT_EQ(result.accepted, c.calls) << "seed " << seed;
    shares.push_back(static_cast<double>(result.refused) / c.calls);
    times.push_back(result.over_ideal);
  }
  std::sort(times.begin(), times.end());
  std::sort(shares.begin(), shares.end());
  EXPECT_LE(shares[2], c.most_refused);
  EXPECT_LE(times[2], c.most_time);
}

Case with(Case c, const std::function<void(Case&)>& change) {
  change(c);
  return c;
}

std::vector<Case> cases() {
  Case base;
  base.told_at_arrival = true;
  base.used_low = 20;
  base.used_high = 30;
  const auto shaped = [&base](const char* name, mock::Shape shape) {
    Case c = base;
    c.name = name;
    c.shape = shape;
    return c;
  };
  Case bucket = shaped("bucket_of_1", mock::Shape::kBucket);
  Case tenth = shaped("bucket_of_a_tenth", mock::Shape::kBucket);
  tenth.burst_ppm = 100'000;
  Case fixed = shaped("fixed", mock::Shape::kFixed);
  Case sliding = shaped("sliding", mock::Shape::kSliding);
  Case slices = shaped("slices", mock::Shape::kQuantised);
  slices.most_time = 1.12;
  std::vector<Case> all{bucket, tenth, fixed, sliding, slices};
  const auto blind = [](const char* name, Case c) {
    c.name = name;
    c.headers = false;
    c.most_refused = 0.02;
    c.most_time = 1.30;
    return c;
  };
  all.push_back(blind("bucket_of_1_blind", bucket));
  all.push_back(blind("bucket_of_a_tenth_blind", tenth));
  all.push_back(blind("fixed_blind", fixed));
  all.push_back(blind("sliding_blind", sliding));
  all.push_back(blind("slices_blind", slices));
  const auto late = [](const char* name, Case c) {
    c.name = name;
    c.told_at_arrival = false;
    return c;
  };
  all.push_back(with(slices, [](Case& c) {
    c.name = "slices_hidden";
    c.told = mock::Told::kBucket;
    c.most_refused = 0.05;
    c.most_time = 1.20;
  }));
  all.push_back(with(tenth, [](Case& c) {
    c.name = "bucket_of_a_tenth_reset_of_amount";
    c.reset = mock::BucketReset::kAmount;
  }));
  const auto slow = [](const char* name, Case c) {
    c.name = name;
    c.latency_low_ms = 500;
    c.latency_high_ms = 1500;
    c.most_time += 0.15;
    c.most_refused = 0.005;  // the probe of a grid may be a call too early
    return c;
  };
  all.push_back(late("bucket_late", bucket));
  all.push_back(late("fixed_late", fixed));
  all.push_back(late("sliding_late", sliding));
  all.push_back(slow("bucket_slow", bucket));
  all.push_back(slow("fixed_slow", fixed));
  all.push_back(slow("sliding_slow", sliding));
  all.push_back(with(bucket, [](Case& c) {
    c.name = "two_bucket";
    c.shape = mock::Shape::kTwoBucket;
    c.most_refused = 0.04;
    c.most_time = 1.4;
  }));
  all.push_back(late("bucket_slow_late", slow("", bucket)));
  all.push_back(late("fixed_slow_late", slow("", fixed)));
  all.push_back(late("sliding_slow_late", slow("", sliding)));
  all.push_back(late("slices_slow_late", slow("", slices)));
  const auto charged = [](const char* name, Case c, mock::Charge charge) {
    c.name = name;
    c.charge = charge;
    c.told_at_arrival = charge != mock::Charge::kCompletion;
    c.most_time = 1.2;
    return c;
  };
  all.push_back(charged("bucket_of_input", bucket, mock::Charge::kArrivalInput));
  all.push_back(charged("bucket_of_a_tenth_of_input", tenth, mock::Charge::kArrivalInput));
  all.push_back(charged("sliding_of_input", sliding, mock::Charge::kArrivalInput));
  all.push_back(charged("bucket_of_actual", bucket, mock::Charge::kCompletion));
  all.push_back(charged("fixed_of_actual", fixed, mock::Charge::kCompletion));
  all.push_back(charged("sliding_of_actual", sliding, mock::Charge::kCompletion));
  const auto told_late = [&](const char* name, Case c, mock::Charge charge) {
    c = charged(name, late(name, c), charge);
    c.told_at_arrival = false;
    c.most_time = 1.05;
    return c;
  };
  all.push_back(told_late("fixed_of_actual_late", fixed, mock::Charge::kCompletion));
  all.push_back(told_late("slices_of_actual_late", slices, mock::Charge::kCompletion));
  all.push_back(told_late("slices_of_input_late", slices, mock::Charge::kArrivalInput));
  all.push_back(told_late("fixed_of_realtime_late", fixed, mock::Charge::kRealtime));
  all.push_back(told_late("sliding_of_realtime_late", sliding, mock::Charge::kRealtime));
  const size_t count = all.size();
  for (size_t i = 0; i < count; ++i) {
    Case tokens = all[i];
    tokens.name += "_tokens";
    tokens.output_low += 220;  // calls of 360 tokens instead of 150
    tokens.output_high += 220;
    all.push_back(tokens);
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Providers, Learning, testing::ValuesIn(cases()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace llmq::core
