// What the tests of memory that runs out on the calling thread have in common.
#ifndef LLMQ_TESTS_STRESS_NOMEM_H_
#define LLMQ_TESTS_STRESS_NOMEM_H_

#include <gtest/gtest.h>
#include <llmq/llmq.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "support/failing_memory.h"

namespace llmq::test {

constexpr int64_t kPatience = int64_t{60} * 1'000'000'000;
constexpr int64_t kMostAllocations = 100'000;

inline const char kDocument[] = R"({
  "max_pending": 1000,
  "pools": [{"name": "p", "limits": [{"tokens": 100000000, "per": "1m"}]}],
  "tenants": [{"name": "t", "weight": 2}],
  "models": [
    {"name": "m", "limits": [{"tokens": 100000000, "per": "1m"}, {"concurrency": 100}]},
    {"name": "mock", "deployments": [{"name": "a", "provider": "mock", "pool": "p"},
                                     {"name": "b", "provider": "mock"}],
     "fallback": {"models": ["m"]}, "retry": {"max_attempts": 2}}
  ]})";

// `call` is made with ever later failures, until it makes none. It arms what it is given around the
// call that it is about, and says what that gave.
using Call = std::function<llmq_status_t(Failure)>;

inline void at_each_allocation(const char* name, const Call& call,
                               llmq_status_t without_failure = LLMQ_OK) {
  for (const bool rest : {false, true}) {
    for (int64_t at = 1;; ++at) {
      SCOPED_TRACE(std::string(name) + (rest ? " from allocation " : " at allocation ") +
                   std::to_string(at));
      ASSERT_LT(at, kMostAllocations);
      const llmq_status_t status = call(Failure{at, rest});
      if (failed_here() == 0) {
        ASSERT_EQ(status, without_failure) << llmq_status_name(status);
        break;
      }
      if (status != without_failure) {
        ASSERT_EQ(status, LLMQ_ERR_NOMEM) << llmq_status_name(status);
      }
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

template <typename Fn>
llmq_status_t with(Failure failure, Fn&& fn) {
  const FailHere fails(failure);
  return fn();
}

inline llmq_conf_t* conf_of(std::string_view json) {
  llmq_conf_t* conf = nullptr;
  EXPECT_EQ(llmq_conf_create(&conf), LLMQ_OK);
  llmq_error_t* err = nullptr;
  EXPECT_EQ(llmq_conf_set_json(conf, json.data(), json.size(), &err), LLMQ_OK)
      << llmq_error_message(err);
  llmq_error_free(err);
  return conf;
}

inline std::string models_of(llmq_manager_t* manager) {
  char* json = nullptr;
  EXPECT_EQ(llmq_manager_models_json(manager, &json, nullptr), LLMQ_OK);
  std::string text = json == nullptr ? "" : json;
  llmq_buf_free(json);
  return text;
}

// A text that a call hands over: the same however memory ran out before.
class Text {
 public:
  ~Text() { llmq_buf_free(text_); }
  char** out() { return &text_; }
  llmq_status_t same_as_before(llmq_status_t status) {
    if (status != LLMQ_OK) {
      EXPECT_EQ(text_, nullptr);
      return status;
    }
    EXPECT_NE(text_, nullptr);
    if (first_.empty()) first_ = text_;
    EXPECT_EQ(first_, text_);
    llmq_buf_free(std::exchange(text_, nullptr));
    return status;
  }

 private:
  char* text_ = nullptr;
  std::string first_;
};

inline void count_call(void* user) { ++*static_cast<std::atomic<int>*>(user); }

// Tells how often its user_free ran.
struct Owner {
  std::atomic<int> frees{0};
};

// A manager with a processor that keeps its attempts.
class NoMemManager : public ::testing::Test {
 protected:
  void SetUp() override {
    llmq_conf_t* const conf = conf_of(kDocument);
    ASSERT_EQ(llmq_manager_create(conf, &manager_, nullptr), LLMQ_OK);
    llmq_conf_free(conf);
    ASSERT_EQ(llmq_cq_create(&cq_), LLMQ_OK);
    ASSERT_EQ(llmq_cq_create(&work_), LLMQ_OK);
    ASSERT_EQ(llmq_model_set_workers(manager_, "m", 1, work_, -1), LLMQ_OK);
  }
  void TearDown() override {
    still_works();
    ASSERT_EQ(llmq_manager_destroy(manager_), LLMQ_OK);
    llmq_cq_unref(work_);
    llmq_cq_unref(cq_);
  }

  static llmq_request_t request(const char* payload = "payload") {
    llmq_request_t r{};
    r.struct_size = sizeof r;
    r.operation = LLMQ_OP_CUSTOM;
    r.model = "m";
    r.model_len = 1;
    r.payload = payload;
    r.payload_len = std::strlen(payload);
    return r;
  }
  llmq_request_t full_request() const {
    llmq_request_t r = request("a payload that is longer than a short string");
    r.tenant = "t";
    r.tenant_len = 1;
    r.request_key = "the key of a request, not too short";
    r.request_key_len = std::strlen(r.request_key);
    r.metadata = "metadata that is longer than a short string";
    r.metadata_len = 43;
    r.cq = cq_;
    return r;
  }
  static llmq_request_t permit_request() {
    llmq_request_t r = request("");
    r.payload = nullptr;
    r.payload_len = 0;
    return r;
  }

  llmq_event_t next(llmq_cq_t* cq) {
    llmq_event_t event{};
    event.stride = sizeof event;
    EXPECT_EQ(llmq_cq_wait(cq, kPatience), LLMQ_OK);
    EXPECT_EQ(llmq_cq_drain(cq, &event, 1), 1U);
    return event;
  }
  static void release(llmq_event_t event) { llmq_events_release(&event, sizeof event, 1); }
  llmq_attempt_id_t next_attempt() {
    const llmq_event_t event = next(work_);
    EXPECT_EQ(event.type, LLMQ_EV_READY);
    release(event);
    return event.attempt_id;
  }
  void expect_done(llmq_request_id_t id, llmq_status_t status) {
    const llmq_event_t event = next(cq_);
    EXPECT_EQ(event.type, LLMQ_EV_DONE);
    EXPECT_EQ(event.request_id, id);
    EXPECT_EQ(event.status, status) << llmq_status_name(event.status);
    release(event);
  }
  llmq_request_id_t submit() {
    llmq_request_t r = full_request();
    llmq_request_id_t id = 0;
    EXPECT_EQ(llmq_submit(manager_, &r, &id), LLMQ_OK);
    return id;
  }
  void answer(llmq_attempt_id_t attempt) {
    EXPECT_EQ(llmq_attempt_succeed(manager_, attempt, "ok", 2, nullptr), LLMQ_OK);
  }
  // Nothing is left in the queues, and a request goes through.
  void still_works() {
    EXPECT_EQ(llmq_cq_wait(cq_, 0), LLMQ_ERR_TIMEOUT);
    const llmq_request_id_t id = submit();
    answer(next_attempt());
    expect_done(id, LLMQ_OK);
    llmq_stats_t stats{};
    stats.struct_size = sizeof stats;
    EXPECT_EQ(llmq_stats(manager_, nullptr, 0, &stats), LLMQ_OK);
    EXPECT_EQ(stats.pending_bytes, 0U);
  }

  llmq_manager_t* manager_ = nullptr;
  llmq_cq_t* cq_ = nullptr;
  llmq_cq_t* work_ = nullptr;
};

inline std::string info_of(llmq_manager_t* manager, const char* model) {
  char* json = nullptr;
  EXPECT_EQ(llmq_manager_info_json(manager, model, std::strlen(model), &json, nullptr), LLMQ_OK);
  std::string text = json == nullptr ? "" : json;
  llmq_buf_free(json);
  return text;
}

inline bool has(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

}  // namespace llmq::test

#endif  // LLMQ_TESTS_STRESS_NOMEM_H_
