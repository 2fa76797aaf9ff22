// One manager whose loop runs out of memory, and what came of its requests.
#ifndef LLMQ_TESTS_STRESS_NOMEM_TRIAL_H_
#define LLMQ_TESTS_STRESS_NOMEM_TRIAL_H_

#include <gtest/gtest.h>
#include <llmq/llmq.h>

#include <array>
#include <cstring>
#include <functional>
#include <mutex>
#include <string>

#include "support/failing_memory.h"

namespace llmq::test {

constexpr int64_t kTrialPatience = int64_t{60} * 1'000'000'000;
constexpr int64_t kMostTrials = 20'000;
constexpr size_t kRequests = 6;

// What a document cannot say.
using Configure = std::function<void(llmq_conf_t*)>;

class Trial {
 public:
  // Beside `models`, as in a configuration, there is one that nothing happens to.
  explicit Trial(const std::string& models, const Configure& configure = {}) {
    const std::string document =
        R"({"models": [{"name": "other", "provider": "mock",
                        "mock": {"latency_ms": 0, "tokens_per_s": 0}}, )" +
        models + "]}";
    llmq_conf_t* conf = nullptr;
    llmq_error_t* err = nullptr;
    EXPECT_EQ(llmq_conf_create(&conf), LLMQ_OK);
    EXPECT_EQ(llmq_conf_set_json(conf, document.data(), document.size(), &err), LLMQ_OK)
        << llmq_error_message(err);
    llmq_error_free(err);
    if (configure) configure(conf);
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
  void submit(const llmq_request_t& r) { note_submitted(llmq_submit(manager_, &r, nullptr)); }
  void acquire(const llmq_request_t& r) { note_submitted(llmq_acquire(manager_, &r, nullptr)); }

  // How a request may end that does not end well, beside LLMQ_ERR_NOMEM.
  void may_end_with(llmq_status_t status) { other_end_ = status; }

  // Until all have ended. A good end has its whole answer.
  void wait_for_all(const std::function<void(const llmq_event_t&)>& on_work = {}) {
    while (ended_ < submitted_) {
      const auto waited = llmq_cq_wait(cq_, kTrialPatience);
      answer_late_ones();
      if (waited == LLMQ_ERR_AGAIN) continue;
      ASSERT_EQ(waited, LLMQ_OK) << ended_ << " of " << submitted_ << " have ended";
      llmq_event_t event{};
      event.stride = sizeof event;
      ASSERT_EQ(llmq_cq_drain(cq_, &event, 1), 1U);
      if (event.type == LLMQ_EV_DONE) {
        note_end(event);
      } else if (on_work) {
        on_work(event);
      }
      llmq_events_release(&event, sizeof event, 1);
    }
    for (size_t i = 0; i < submitted_; ++i) EXPECT_EQ(ends_[i], 1) << i;
  }
  // It needs no DONE: a permit was given, and is released.
  void note_permit(const llmq_event_t& event) {
    ++ended_;
    ++ends_[event.user_data];
    ++good_;
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
  // Nothing was refused: the manager goes on.
  bool goes_on() const { return !refused_; }

 private:
  void note_submitted(llmq_status_t status) {
    if (status == LLMQ_OK) {
      ++submitted_;
    } else {  // the manager has broken off
      refused_ = true;
      EXPECT_TRUE(status == LLMQ_ERR_CLOSED || status == LLMQ_ERR_CLOSING)
          << llmq_status_name(status);
    }
  }
  void note_end(const llmq_event_t& event) {
    ++ended_;
    ++ends_[event.user_data];
    EXPECT_EQ(event.status == LLMQ_OK, event.state == LLMQ_STATE_COMPLETED);
    if (event.status == LLMQ_OK) {
      ++good_;
      EXPECT_GT(event.data_len, 0U);
    } else if (event.status != other_end_) {
      EXPECT_EQ(event.status, LLMQ_ERR_NOMEM) << llmq_status_name(event.status);
    }
  }
  void answer_late_ones() {
    const std::lock_guard<std::mutex> lock(mutex_);
    while (late_count_ > 0) {
      const auto status = llmq_attempt_succeed(manager_, late_[--late_count_], "late", 4, nullptr);
      EXPECT_TRUE(status == LLMQ_OK || status == LLMQ_ERR_STALE) << llmq_status_name(status);
    }
  }

  llmq_manager_t* manager_ = nullptr;
  llmq_cq_t* cq_ = nullptr;
  llmq_status_t other_end_ = LLMQ_ERR_NOMEM;
  std::mutex mutex_;
  std::array<llmq_attempt_id_t, 64> late_{};
  size_t late_count_ = 0;
  size_t submitted_ = 0;
  size_t ended_ = 0;
  size_t good_ = 0;
  bool refused_ = false;
  std::array<int, 64> ends_{};
};

// The manager goes on. Nothing fails any more.
inline void expect_that_it_goes_on(const Trial& trial) {
  EXPECT_TRUE(trial.goes_on());
  llmq_request_t r = trial.request("other");
  r.cq = nullptr;
  llmq_response_t* response = nullptr;
  const auto waited = llmq_submit_wait(trial.manager(), &r, kTrialPatience, &response);
  EXPECT_EQ(waited, LLMQ_OK) << llmq_status_name(waited);
  if (waited == LLMQ_OK) {
    EXPECT_EQ(llmq_response_status(response), LLMQ_OK);
  }
  llmq_response_free(response);
}

// `work` submits and waits, with ever later failures, until it meets none: then all went well. Some
// of the late ones are left out. One failed allocation ends requests, not the manager.
inline void at_each_allocation_of_the_loop(const std::string& models,
                                           const std::function<void(Trial&)>& work,
                                           bool only_new = false, const Configure& configure = {}) {
  size_t survived = 0;
  for (const bool rest : {false, true}) {
    for (int64_t at = 1;; at += 1 + at / 128) {
      SCOPED_TRACE((rest ? "from allocation " : "at allocation ") + std::to_string(at));
      ASSERT_LT(at, kMostTrials);
      Trial trial(models, configure);
      fail_elsewhere(Failure{at, rest, only_new});
      work(trial);
      const int64_t failed = stop_failing_elsewhere();
      if (::testing::Test::HasFailure()) return;
      if (failed == 0) {
        EXPECT_EQ(trial.good(), trial.submitted());
        break;
      }
      if (!rest) expect_that_it_goes_on(trial);
      if (::testing::Test::HasFailure()) return;
      if (!rest && trial.good() > 0) ++survived;
    }
  }
  EXPECT_GT(survived, 0U);
}

// libcurl is made ready once for the whole process, by a call that goes well.
inline void load_curl(const std::string& models, const Configure& configure = {}) {
  Trial first(models, configure);
  first.submit(first.request("m"));
  first.wait_for_all();
  ASSERT_EQ(first.good(), 1U);
}

inline void answer(llmq_manager_t* manager, const llmq_event_t& event) {
  if (event.type != LLMQ_EV_READY) return;
  const auto status = llmq_attempt_succeed(manager, event.attempt_id, "answer", 6, nullptr);
  EXPECT_TRUE(status == LLMQ_OK || status == LLMQ_ERR_STALE) << llmq_status_name(status);
}

}  // namespace llmq::test

#endif  // LLMQ_TESTS_STRESS_NOMEM_TRIAL_H_
