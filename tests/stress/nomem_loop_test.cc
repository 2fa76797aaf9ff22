// Memory runs out on the loop thread, at every allocation in turn, while requests are under way:
// each ends exactly once, with its answer or an error, and the manager can be left.
#include <gtest/gtest.h>
#include <llmq/llmq.h>

#include <array>
#include <atomic>
#include <cstring>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "support/failing_memory.h"

namespace {

using llmq::test::Failure;

constexpr int64_t kPatience = int64_t{60} * 1'000'000'000;
constexpr int64_t kMostAllocations = 20'000;
constexpr size_t kRequests = 6;

const char kDocument[] = R"({
  "models": [
    {"name": "m", "limits": [{"requests": 100000, "per": "1m"}, {"concurrency": 100}],
     "deployments": [{"provider": "none"}], "retry": {"max_attempts": 2, "base_ms": 1, "cap_ms": 2}},
    {"name": "mock", "deployments": [{"name": "a", "provider": "mock"},
                                     {"name": "b", "provider": "mock"}]}
  ]})";

// One manager, and what came of its requests.
class Trial {
 public:
  Trial() {
    llmq_conf_t* conf = nullptr;
    EXPECT_EQ(llmq_conf_create(&conf), LLMQ_OK);
    EXPECT_EQ(llmq_conf_set_json(conf, kDocument, std::strlen(kDocument), nullptr), LLMQ_OK);
    for (const char* key :
         {"a.mock.latency_ms", "a.mock.tokens_per_s", "b.mock.latency_ms", "b.mock.tokens_per_s"}) {
      const std::string whole = std::string("model.mock.deployments.") + key;
      EXPECT_EQ(llmq_conf_set(conf, whole.c_str(), "0", nullptr), LLMQ_OK);
    }
    EXPECT_EQ(llmq_manager_create(conf, &manager_, nullptr), LLMQ_OK);
    llmq_conf_free(conf);
    EXPECT_EQ(llmq_cq_create(&cq_), LLMQ_OK);
    char* json = nullptr;  // the loop knows its models then
    EXPECT_EQ(llmq_manager_info_json(manager_, nullptr, 0, &json, nullptr), LLMQ_OK);
    llmq_buf_free(json);
  }
  ~Trial() {
    EXPECT_EQ(llmq_manager_destroy(manager_), LLMQ_OK);
    llmq_cq_unref(cq_);
  }
  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;

  llmq_manager_t* manager() const { return manager_; }
  llmq_cq_t* cq() const { return cq_; }

  llmq_request_t request(const char* model) const {
    llmq_request_t r{};
    r.struct_size = sizeof r;
    r.operation = LLMQ_OP_CHAT;
    r.model = model;
    r.model_len = std::strlen(model);
    r.payload = R"({"model":"x","messages":[{"role":"user","content":"what is the answer?"}]})";
    r.payload_len = std::strlen(static_cast<const char*>(r.payload));
    r.tenant = "somebody with a name that is not short";
    r.tenant_len = std::strlen(r.tenant);
    r.cq = cq_;
    r.user_data = submitted_;
    return r;
  }
  void submit(const llmq_request_t& r) {
    const auto status = llmq_submit(manager_, &r, nullptr);
    if (status == LLMQ_OK) {
      ++submitted_;
    } else {  // the manager has broken off
      EXPECT_TRUE(status == LLMQ_ERR_CLOSED || status == LLMQ_ERR_CLOSING)
          << llmq_status_name(status);
    }
  }

  // Until all have ended. A good end has its whole answer.
  void wait_for_all(const std::function<void(const llmq_event_t&)>& on_work = {}) {
    size_t ended = 0;
    while (ended < submitted_) {
      const auto waited = llmq_cq_wait(cq_, kPatience);
      answer_late_ones();
      if (waited == LLMQ_ERR_AGAIN) continue;
      ASSERT_EQ(waited, LLMQ_OK);
      llmq_event_t event{};
      event.stride = sizeof event;
      ASSERT_EQ(llmq_cq_drain(cq_, &event, 1), 1U);
      if (event.type == LLMQ_EV_DONE) {
        ++ended;
        ++ends_[event.user_data];
        EXPECT_EQ(event.status == LLMQ_OK, event.state == LLMQ_STATE_COMPLETED);
        if (event.status == LLMQ_OK) {
          ++good_;
          EXPECT_GT(event.data_len, 0U);
        } else {
          EXPECT_EQ(event.status, LLMQ_ERR_NOMEM) << llmq_status_name(event.status);
        }
      } else if (on_work) {
        on_work(event);
      }
      llmq_events_release(&event, sizeof event, 1);
    }
    for (size_t i = 0; i < submitted_; ++i) EXPECT_EQ(ends_[i], 1) << i;
  }

  // What a processor could not report for lack of memory.
  void answer_later(llmq_attempt_id_t attempt) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      late_[late_count_++] = attempt;
    }
    EXPECT_EQ(llmq_cq_wake(cq_), LLMQ_OK);
  }

  size_t submitted() const { return submitted_; }
  size_t good() const { return good_; }

 private:
  void answer_late_ones() {
    const std::lock_guard<std::mutex> lock(mutex_);
    while (late_count_ > 0) {
      const auto status = llmq_attempt_succeed(manager_, late_[--late_count_], "late", 4, nullptr);
      EXPECT_TRUE(status == LLMQ_OK || status == LLMQ_ERR_STALE) << llmq_status_name(status);
    }
  }

  llmq_manager_t* manager_ = nullptr;
  llmq_cq_t* cq_ = nullptr;
  std::mutex mutex_;
  std::array<llmq_attempt_id_t, 64> late_{};
  size_t late_count_ = 0;
  size_t submitted_ = 0;
  size_t good_ = 0;
  std::array<int, 64> ends_{};
};

// `work` submits and waits, with ever later failures, until it meets none: then all went well. Some
// of the late ones are left out.
void at_each_allocation_of_the_loop(const std::function<void(Trial&)>& work) {
  size_t survived = 0;
  for (const bool rest : {false, true}) {
    for (int64_t at = 1;; at += 1 + at / 128) {
      SCOPED_TRACE((rest ? "from allocation " : "at allocation ") + std::to_string(at));
      ASSERT_LT(at, kMostAllocations);
      Trial trial;
      llmq::test::fail_elsewhere(Failure{at, rest});
      work(trial);
      const int64_t failed = llmq::test::stop_failing_elsewhere();
      if (::testing::Test::HasFailure()) return;
      if (failed == 0) {
        EXPECT_EQ(trial.good(), trial.submitted());
        break;
      }
      if (!rest && trial.good() > 0) ++survived;
    }
  }
  EXPECT_GT(survived, 0U);
}

void answer(llmq_manager_t* manager, const llmq_event_t& event) {
  if (event.type != LLMQ_EV_READY) return;
  const auto status = llmq_attempt_succeed(manager, event.attempt_id, "answer", 6, nullptr);
  EXPECT_TRUE(status == LLMQ_OK || status == LLMQ_ERR_STALE) << llmq_status_name(status);
}

TEST(NoMemLoop, WithWorkers) {
  at_each_allocation_of_the_loop([](Trial& trial) {
    const auto set = llmq_model_set_workers(trial.manager(), "m", 1, trial.cq(), -1);
    EXPECT_EQ(set, LLMQ_OK);
    for (size_t i = 0; i < kRequests; ++i) trial.submit(trial.request("m"));
    trial.wait_for_all([&](const llmq_event_t& event) { answer(trial.manager(), event); });
  });
}

TEST(NoMemLoop, WithAProcessor) {
  at_each_allocation_of_the_loop([](Trial& trial) {
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
  at_each_allocation_of_the_loop([](Trial& trial) {
    for (size_t i = 0; i < kRequests; ++i) trial.submit(trial.request("mock"));
    trial.wait_for_all();
  });
}

TEST(NoMemLoop, WithStreams) {
  at_each_allocation_of_the_loop([](Trial& trial) {
    for (size_t i = 0; i < 2; ++i) {
      llmq_request_t r = trial.request("mock");
      r.flags = LLMQ_REQUEST_STREAM;
      trial.submit(r);
    }
    trial.wait_for_all();
  });
}

TEST(NoMemLoop, WithSharedCalls) {
  at_each_allocation_of_the_loop([](Trial& trial) {
    for (size_t i = 0; i < kRequests; ++i) {
      llmq_request_t r = trial.request("mock");
      r.dedup_key = "the same";
      r.dedup_key_len = 8;
      trial.submit(r);
    }
    trial.wait_for_all();
  });
}

// A response that is kept is never lost: it can be read as soon as there is memory for it.
TEST(NoMemLoop, WithKeptResponses) {
  for (int64_t at = 1;; ++at) {
    SCOPED_TRACE("at allocation " + std::to_string(at));
    ASSERT_LT(at, kMostAllocations);
    Trial trial;
    llmq_request_t r = trial.request("mock");
    r.cq = nullptr;
    r.flags = LLMQ_REQUEST_KEEP;
    llmq::test::fail_elsewhere(Failure{at, false});
    llmq_request_id_t id = 0;
    ASSERT_EQ(llmq_submit(trial.manager(), &r, &id), LLMQ_OK);
    llmq_response_t* response = nullptr;
    llmq_status_t status = LLMQ_ERR_AGAIN;
    const int64_t until = llmq_now_ns() + kPatience;
    while (status == LLMQ_ERR_AGAIN && llmq_now_ns() < until) {
      status = llmq_response_get(trial.manager(), id, &response);
    }
    const int64_t failed = llmq::test::stop_failing_elsewhere();
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
    ASSERT_LT(at, kMostAllocations);
    Trial trial;
    llmq_cq_t* told = nullptr;
    ASSERT_EQ(llmq_cq_create(&told), LLMQ_OK);
    llmq::test::fail_elsewhere(Failure{at, true});
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
      EXPECT_EQ(llmq_cq_wait(told, kPatience), LLMQ_OK);
    }
    const int64_t failed = llmq::test::stop_failing_elsewhere();
    llmq_cq_unref(told);
    if (failed == 0 || ::testing::Test::HasFailure()) break;
  }
}

}  // namespace
