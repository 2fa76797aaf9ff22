// Memory runs out on the loop thread, at every allocation in turn, where requests do more than run
// once: permits, fallbacks, second calls, retries, leases that lapse. Each ends exactly once, and
// one failed allocation costs the manager nothing more than requests.
#include "stress/nomem_trial.h"

namespace llmq::test {
namespace {

void release_permit(Trial& trial, const llmq_event_t& event) {
  if (event.type != LLMQ_EV_PERMIT) return;
  trial.note_permit(event);
  const auto status = llmq_permit_release(trial.manager(), event.attempt_id, nullptr);
  EXPECT_TRUE(status == LLMQ_OK || status == LLMQ_ERR_STALE) << llmq_status_name(status);
}

TEST(NoMemLoop, WithPermits) {
  const char models[] =
      R"({"name": "m", "limits": [{"requests": 100000, "per": "1m"}, {"concurrency": 2}]})";
  at_each_allocation_of_the_loop(models, [](Trial& trial) {
    for (size_t i = 0; i < kRequests; ++i) {
      llmq_request_t r = trial.request("m");
      r.payload = nullptr;
      r.payload_len = 0;
      r.operation = LLMQ_OP_CUSTOM;
      trial.acquire(r);
    }
    trial.wait_for_all([&](const llmq_event_t& event) { release_permit(trial, event); });
  });
}

TEST(NoMemLoop, WithFallbacks) {
  const char models[] = R"({"name": "first", "provider": "mock", "retry": {"max_attempts": 1},
       "mock": {"latency_ms": 0, "tokens_per_s": 0, "fail_server": 1},
       "fallback": {"models": ["second"]}},
      {"name": "second", "provider": "mock", "mock": {"latency_ms": 0, "tokens_per_s": 0}})";
  at_each_allocation_of_the_loop(models, [](Trial& trial) {
    trial.may_end_with(LLMQ_ERR_SERVER);  // there was no memory to go elsewhere
    for (size_t i = 0; i < kRequests; ++i) trial.submit(trial.request("first"));
    trial.wait_for_all();
  });
}

TEST(NoMemLoop, WithRetries) {
  const char models[] = R"({"name": "m", "retry": {"max_attempts": 3, "base_ms": 1, "cap_ms": 1},
       "limits": [{"concurrency": 3}]})";
  at_each_allocation_of_the_loop(models, [](Trial& trial) {
    EXPECT_EQ(llmq_model_set_workers(trial.manager(), "m", 1, trial.cq(), -1), LLMQ_OK);
    for (size_t i = 0; i < kRequests; ++i) trial.submit(trial.request("m"));
    trial.wait_for_all([&](const llmq_event_t& event) {
      if (event.type != LLMQ_EV_READY || event.attempt > 1) return answer(trial.manager(), event);
      const auto status = llmq_attempt_fail(trial.manager(), event.attempt_id, LLMQ_ERR_SERVER,
                                            "it did not work this time", 25, 0);
      EXPECT_TRUE(status == LLMQ_OK || status == LLMQ_ERR_STALE) << llmq_status_name(status);
    });
  });
}

// The first call is slow, the second one is not.
TEST(NoMemLoop, WithSecondCalls) {
  const char models[] = R"({"name": "m", "provider": "mock",
       "hedge": {"enabled": true, "after_ms": 1, "budget_percent": 100},
       "deployments": [{"name": "a", "order": 0, "mock": {"latency_ms": 10, "tokens_per_s": 0}},
                       {"name": "b", "order": 1, "mock": {"latency_ms": 0, "tokens_per_s": 0}}]})";
  for (const uint32_t flags : {uint32_t{0}, uint32_t{LLMQ_REQUEST_STREAM}}) {
    at_each_allocation_of_the_loop(models, [flags](Trial& trial) {
      for (size_t i = 0; i < 3; ++i) {
        llmq_request_t r = trial.request("m");
        r.flags = flags;
        trial.submit(r);
      }
      trial.wait_for_all();
    });
  }
}

// Who drains an attempt first is not heard of any more.
TEST(NoMemLoop, WithLeasesThatLapse) {
  const char models[] = R"({"name": "m", "retry": {"max_attempts": 3}})";
  at_each_allocation_of_the_loop(models, [](Trial& trial) {
    constexpr int64_t kLease = 2'000'000;
    EXPECT_EQ(llmq_model_set_workers(trial.manager(), "m", 1, trial.cq(), kLease), LLMQ_OK);
    trial.may_end_with(LLMQ_ERR_ABANDONED);  // nobody came in time, three times
    for (size_t i = 0; i < kRequests; ++i) trial.submit(trial.request("m"));
    trial.wait_for_all([&](const llmq_event_t& event) {
      if (event.attempt > 1) answer(trial.manager(), event);
    });
  });
}

}  // namespace
}  // namespace llmq::test
