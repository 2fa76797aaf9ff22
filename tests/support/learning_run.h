// Shape auto against the mock provider's own counters, under the virtual clock: what is published
// is a limit of requests and one of tokens, what is enforced differs from case to case.
#ifndef LLMQ_TESTS_SUPPORT_LEARNING_RUN_H_
#define LLMQ_TESTS_SUPPORT_LEARNING_RUN_H_

#include <cstdint>
#include <functional>
#include <string>

#include "core/limit/limit.h"
#include "core/time.h"
#include "mock/account.h"

namespace llmq::sim {

struct LearningCase {
  std::string name;
  // What is published.
  int64_t requests = 300;
  int64_t tokens = 60'000;
  core::DurationNs period = core::seconds(6);
  // What is enforced, and told.
  mock::Shape shape = mock::Shape::kSliding;
  int64_t burst_ppm = mock::kFullBurstPpm;
  core::DurationNs slice = core::seconds(1);
  mock::Told told = mock::Told::kOwn;
  mock::BucketReset reset = mock::BucketReset::kFull;
  mock::Charge charge = mock::Charge::kArrivalMaxTokens;
  bool headers = true;
  bool told_at_arrival = false;  // headers show how things stood then, not when the answer leaves
  int64_t latency_low_ms = 50;
  int64_t latency_high_ms = 150;
  int64_t way_most_us = 3'000;  // to the provider, at least 100
  // What is asked for.
  int calls = 800;
  int64_t input_low = 30;
  int64_t input_high = 90;
  int64_t output_low = 60;  // reserved: max_tokens
  int64_t output_high = 120;
  int64_t used_low = 16;  // in the end
  int64_t used_high = 64;

  bool judged_as_sliding() const { return !headers && shape == mock::Shape::kFixed; }
};

struct LearningResult {
  int64_t accepted = 0;
  int64_t refused = 0;
  double over_ideal = 0;  // of the last accepted call

  double share(int64_t calls) const {
    return static_cast<double>(refused) / static_cast<double>(calls + refused);
  }
};

// Called for every refusal, and with each limit at the end.
struct LearningWatch {
  std::function<void(core::DurationNs since_first, const mock::Refusal&)> refused;
  std::function<void(core::TimeNs now, const core::Limit&)> at_end;
};

LearningResult run_learning(const LearningCase& what, uint64_t seed,
                            const LearningWatch& watch = {});

}  // namespace llmq::sim

#endif  // LLMQ_TESTS_SUPPORT_LEARNING_RUN_H_
