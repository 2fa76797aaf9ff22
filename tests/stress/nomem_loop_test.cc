// Memory runs out on the loop thread, at every allocation in turn, while requests are under way:
// each ends exactly once, with its answer or an error, and the manager can be left.
#include <new>

#include "stress/nomem_trial.h"

namespace llmq::test {
namespace {

const char kModels[] =
    R"({"name": "m", "limits": [{"requests": 100000, "per": "1m"}, {"concurrency": 100}],
     "deployments": [{"provider": "none"}], "retry": {"max_attempts": 2, "base_ms": 1, "cap_ms": 2}},
    {"name": "mock", "provider": "mock", "mock": {"latency_ms": 0, "tokens_per_s": 0},
     "deployments": [{"name": "a"}, {"name": "b"}]}
)";

TEST(NoMemLoop, WithWorkers) {
  at_each_allocation_of_the_loop(kModels, [](Trial& trial) {
    const auto set = llmq_model_set_workers(trial.manager(), "m", 1, trial.cq(), -1);
    EXPECT_EQ(set, LLMQ_OK);
    for (size_t i = 0; i < kRequests; ++i) trial.submit(trial.request("m"));
    trial.wait_for_all([&](const llmq_event_t& event) { answer(trial.manager(), event); });
  });
}

TEST(NoMemLoop, WithAProcessor) {
  at_each_allocation_of_the_loop(kModels, [](Trial& trial) {
    const auto echo = [](void* user, const llmq_event_t* event) {
      auto* const own = static_cast<Trial*>(user);
      const auto status =
          llmq_attempt_succeed(own->manager(), event->attempt_id, "answer", 6, nullptr);
      if (status == LLMQ_ERR_NOMEM) own->answer_later(event->attempt_id);
    };
    EXPECT_EQ(llmq_model_set_processor(trial.manager(), "m", 1, echo, nullptr, &trial, nullptr),
              LLMQ_OK);
    for (size_t i = 0; i < kRequests; ++i) trial.submit(trial.request("m"));
    trial.wait_for_all();
  });
}

TEST(NoMemLoop, WithTheMockProvider) {
  at_each_allocation_of_the_loop(kModels, [](Trial& trial) {
    for (size_t i = 0; i < kRequests; ++i) trial.submit(trial.request("mock"));
    trial.wait_for_all();
  });
}

TEST(NoMemLoop, WithStreams) {
  at_each_allocation_of_the_loop(kModels, [](Trial& trial) {
    for (size_t i = 0; i < 2; ++i) {
      llmq_request_t r = trial.request("mock");
      r.flags = LLMQ_REQUEST_STREAM;
      trial.submit(r);
    }
    trial.wait_for_all();
  });
}

TEST(NoMemLoop, WithSharedCalls) {
  at_each_allocation_of_the_loop(kModels, [](Trial& trial) {
    for (size_t i = 0; i < kRequests; ++i) {
      llmq_request_t r = trial.request("mock");
      r.dedup_key = "the same";
      r.dedup_key_len = 8;
      trial.submit(r);
    }
    trial.wait_for_all();
  });
}

// What its functions do not give is as what the system does not give.
TEST(NoMemLoop, WithTheHostsAllocator) {
  const auto take = [](void*, size_t size) { return ::operator new(size, std::nothrow); };
  const auto give_back = [](void*, void* memory, size_t) { ::operator delete(memory); };
  at_each_allocation_of_the_loop(
      kModels,
      [](Trial& trial) {
        const auto set = llmq_model_set_workers(trial.manager(), "m", 1, trial.cq(), -1);
        EXPECT_EQ(set, LLMQ_OK);
        for (size_t i = 0; i < kRequests; ++i) {
          llmq_request_t r = trial.request(i % 2 == 0 ? "mock" : "m");
          r.flags = i % 3 == 0 ? LLMQ_REQUEST_STREAM : 0;
          r.dedup_key = "the same";
          r.dedup_key_len = i < 4 ? 0 : 8;
          trial.submit(r);
        }
        trial.wait_for_all([&](const llmq_event_t& event) { answer(trial.manager(), event); });
      },
      false,
      [&](llmq_conf_t* conf) {
        EXPECT_EQ(llmq_conf_set_allocator(conf, take, give_back, nullptr, nullptr), LLMQ_OK);
      });
}

// A response that is kept is never lost: it can be read as soon as there is memory for it.
TEST(NoMemLoop, WithKeptResponses) {
  for (int64_t at = 1;; ++at) {
    SCOPED_TRACE("at allocation " + std::to_string(at));
    ASSERT_LT(at, kMostTrials);
    Trial trial(kModels);
    llmq_request_t r = trial.request("mock");
    r.cq = nullptr;
    r.flags = LLMQ_REQUEST_KEEP;
    fail_elsewhere(Failure{at, false});
    llmq_request_id_t id = 0;
    ASSERT_EQ(llmq_submit(trial.manager(), &r, &id), LLMQ_OK);
    llmq_response_t* response = nullptr;
    llmq_status_t status = LLMQ_ERR_AGAIN;
    const int64_t until = llmq_now_ns() + kTrialPatience;
    while (status == LLMQ_ERR_AGAIN && llmq_now_ns() < until) {
      status = llmq_response_get(trial.manager(), id, &response);
    }
    const int64_t failed = stop_failing_elsewhere();
    ASSERT_EQ(status, LLMQ_OK) << llmq_status_name(status);
    const auto ended = llmq_response_status(response);
    EXPECT_TRUE(ended == LLMQ_OK || ended == LLMQ_ERR_NOMEM) << llmq_status_name(ended);
    llmq_response_free(response);
    if (failed == 0) {
      EXPECT_EQ(ended, LLMQ_OK);
      break;
    }
    if (::testing::Test::HasFailure()) return;
  }
}

// Calls that wait for the loop come back, and the shutdown of a manager that broke off is told.
TEST(NoMemLoop, WhileOthersAsk) {
  for (int64_t at = 1;; ++at) {
    SCOPED_TRACE("from allocation " + std::to_string(at));
    ASSERT_LT(at, kMostTrials);
    Trial trial(kModels);
    llmq_cq_t* told = nullptr;
    ASSERT_EQ(llmq_cq_create(&told), LLMQ_OK);
    fail_elsewhere(Failure{at, true});
    for (size_t i = 0; i < kRequests; ++i) trial.submit(trial.request("mock"));
    char* json = nullptr;
    const auto asked = llmq_manager_info_json(trial.manager(), nullptr, 0, &json, nullptr);
    EXPECT_TRUE(asked == LLMQ_OK || asked == LLMQ_ERR_NOMEM || asked == LLMQ_ERR_CLOSED)
        << llmq_status_name(asked);
    llmq_buf_free(json);
    trial.wait_for_all();
    const auto shut = llmq_manager_shutdown(trial.manager(), LLMQ_SHUTDOWN_DRAIN, 0, told, 1);
    EXPECT_TRUE(shut == LLMQ_OK || shut == LLMQ_ERR_CLOSED) << llmq_status_name(shut);
    if (shut == LLMQ_OK) {
      EXPECT_EQ(llmq_cq_wait(told, kTrialPatience), LLMQ_OK);
    }
    const int64_t failed = stop_failing_elsewhere();
    llmq_cq_unref(told);
    if (failed == 0 || ::testing::Test::HasFailure()) break;
  }
}

}  // namespace
}  // namespace llmq::test
