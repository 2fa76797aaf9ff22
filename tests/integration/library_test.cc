// The library itself over real sockets: what a program sees that links it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <llmq/llmq.h>

#include <memory>
#include <string>

#include "integration/program.h"

namespace llmq::test {
namespace {

class Library : public ::testing::Test {
 protected:
  void start(const std::string& url, const std::string& more = "") {
    llmq_conf_t* conf = nullptr;
    ASSERT_EQ(llmq_conf_create(&conf), LLMQ_OK);
    const std::string document = R"({"models":[{"name":"m","retry":{"base_ms":10,"cap_ms":100},)" +
                                 more + R"("deployments":[{"provider":"openai","base_url":")" +
                                 url + R"("}]}]})";
    llmq_error_t* error = nullptr;
    ASSERT_EQ(llmq_conf_set_json(conf, document.data(), document.size(), &error), LLMQ_OK)
        << llmq_error_message(error);
    ASSERT_EQ(llmq_manager_create(conf, &manager_, &error), LLMQ_OK) << llmq_error_message(error);
    llmq_conf_free(conf);
  }
  void TearDown() override { llmq_manager_destroy(manager_); }

  llmq_request_t request() const {
    static const std::string kBody =
        R"({"model":"m","messages":[{"role":"user","content":"Hello"}],"max_tokens":8})";
    llmq_request_t r{};
    r.struct_size = sizeof r;
    r.model = "m";
    r.model_len = 1;
    r.payload = kBody.data();
    r.payload_len = kBody.size();
    return r;
  }

  llmq_manager_t* manager_ = nullptr;
};

TEST_F(Library, ReadsBodyUsageStatusAndIds) {
  const Directory dir;
  Mock mock(dir);
  start(mock.url());
  const llmq_request_t r = request();
  llmq_response_t* response = nullptr;
  ASSERT_EQ(llmq_submit_wait(manager_, &r, -1, &response), LLMQ_OK);
  EXPECT_EQ(llmq_response_status(response), LLMQ_OK);
  EXPECT_EQ(llmq_response_http_status(response), 200);
  EXPECT_GT(std::string(llmq_response_provider_request_id(response, nullptr)).size(), 0U);
  llmq_usage_t usage{};
  usage.struct_size = sizeof usage;
  EXPECT_EQ(llmq_response_usage(response, &usage), LLMQ_OK);
  EXPECT_GT(usage.input_tokens, 0);
  EXPECT_GT(usage.output_tokens, 0);
  llmq_response_free(response);
}

TEST_F(Library, CancelClosesTheConnection) {
  const Directory dir;
  Mock mock(dir, {"--fail-hang", "1"});
  start(mock.url());
  llmq_cq_t* cq = nullptr;
  ASSERT_EQ(llmq_cq_create(&cq), LLMQ_OK);
  llmq_request_t r = request();
  r.cq = cq;
  llmq_request_id_t id = 0;
  ASSERT_EQ(llmq_submit(manager_, &r, &id), LLMQ_OK);
  mock.wait_for("hangs", 1);
  ASSERT_EQ(llmq_cancel(manager_, id), LLMQ_OK);
  ASSERT_EQ(llmq_cq_wait(cq, -1), LLMQ_OK);
  llmq_event_t event{};
  event.stride = sizeof event;
  ASSERT_EQ(llmq_cq_drain(cq, &event, 1), 1U);
  EXPECT_EQ(event.status, LLMQ_ERR_CANCELLED);
  llmq_events_release(&event, sizeof event, 1);
  llmq_cq_unref(cq);
  mock.wait_for("client_gone", 1);
  const base::Json stats = mock.stop();
  EXPECT_EQ(number(stats, "hangs"), 1);
  EXPECT_EQ(number(stats, "client_gone"), 1);
}

TEST_F(Library, CallsOnceForAllThatShareTheCall) {
  const Directory dir;
  Mock mock(dir, {"--latency", "100ms", "--output-tokens", "8"});
  start(mock.url());
  llmq_cq_t* cq = nullptr;
  ASSERT_EQ(llmq_cq_create(&cq), LLMQ_OK);
  constexpr uint64_t kRequests = 50;
  for (uint64_t i = 0; i < kRequests; ++i) {
    llmq_request_t r = request();
    r.cq = cq;
    if (i % 2 == 1) r.flags = LLMQ_REQUEST_STREAM;  // two calls
    r.dedup_key = "k";
    r.dedup_key_len = 1;
    llmq_request_id_t id = 0;
    ASSERT_EQ(llmq_submit(manager_, &r, &id), LLMQ_OK);
  }
  uint64_t own = 0;
  uint64_t chunks = 0;
  for (uint64_t left = kRequests; left > 0;) {
    ASSERT_EQ(llmq_cq_wait(cq, -1), LLMQ_OK);
    llmq_event_t event{};
    event.stride = sizeof event;
    ASSERT_EQ(llmq_cq_drain(cq, &event, 1), 1U);
    if (event.type == LLMQ_EV_CHUNK) {
      ++chunks;
    } else {
      EXPECT_EQ(event.status, LLMQ_OK);
      EXPECT_EQ(event.output_tokens, 8);
      own += (event.flags & LLMQ_EVENT_SHARED) == 0 ? 1 : 0;
      --left;
    }
    llmq_events_release(&event, sizeof event, 1);
  }
  llmq_cq_unref(cq);
  EXPECT_EQ(own, 2u);
  EXPECT_EQ(chunks % (kRequests / 2), 0u) << "each gets the same pieces";
  EXPECT_GT(chunks, kRequests / 2);
  EXPECT_EQ(number(mock.stop(), "requests"), 2);
}

TEST_F(Library, TimesOutAnAttemptAndTriesAgain) {
  const Directory dir;
  Mock mock(dir, {"--fail-hang", "1"});
  start(mock.url(), R"("timeout_ms":100,)");
  llmq_request_t r = request();
  r.max_attempts = 3;
  llmq_response_t* response = nullptr;
  ASSERT_EQ(llmq_submit_wait(manager_, &r, -1, &response), LLMQ_OK);
  EXPECT_EQ(llmq_response_status(response), LLMQ_ERR_TIMEOUT);
  EXPECT_EQ(llmq_response_attempts(response), 3U);
  llmq_response_free(response);
}

TEST_F(Library, KeepsTheDeadlineWhileTheProviderHangs) {
  const Directory dir;
  Mock mock(dir, {"--fail-hang", "1"});
  start(mock.url());
  llmq_request_t r = request();
  r.deadline_ns = llmq_now_ns() + 200'000'000;
  llmq_response_t* response = nullptr;
  ASSERT_EQ(llmq_submit_wait(manager_, &r, -1, &response), LLMQ_OK);
  EXPECT_EQ(llmq_response_status(response), LLMQ_ERR_DEADLINE);
  EXPECT_EQ(llmq_response_state(response), LLMQ_STATE_EXPIRED);
  llmq_response_free(response);
}

TEST_F(Library, ObeysRetryAfter) {
  const Directory dir;
  Mock mock(dir, {"--fail-rate-limited", "1", "--retry-after", "1s"});
  start(mock.url());
  llmq_request_t r = request();
  r.max_attempts = 2;
  const int64_t begin = llmq_now_ns();
  llmq_response_t* response = nullptr;
  ASSERT_EQ(llmq_submit_wait(manager_, &r, -1, &response), LLMQ_OK);
  EXPECT_EQ(llmq_response_status(response), LLMQ_ERR_RATE_LIMITED);
  EXPECT_GE(llmq_now_ns() - begin, 1'000'000'000);
  llmq_response_free(response);
}

TEST_F(Library, RefusesABodyThatIsNoObject) {
  const Directory dir;
  Mock mock(dir);
  start(mock.url());
  llmq_request_t r = request();
  r.payload = "[1]";
  r.payload_len = 3;
  llmq_error_t* error = nullptr;
  EXPECT_NE(llmq_request_check(manager_, &r, &error), LLMQ_OK);
  EXPECT_THAT(llmq_error_message(error), ::testing::HasSubstr("object"));
  llmq_error_free(error);
}

TEST_F(Library, RefusesConnectionsByName) {
  const Directory dir;
  std::string url;
  {
    Mock mock(dir);
    url = mock.url();
  }  // nobody listens there any more
  start(url);
  llmq_request_t r = request();
  r.max_attempts = 2;
  llmq_response_t* response = nullptr;
  ASSERT_EQ(llmq_submit_wait(manager_, &r, -1, &response), LLMQ_OK);
  EXPECT_EQ(llmq_response_status(response), LLMQ_ERR_TRANSPORT);
  EXPECT_THAT(llmq_response_error(response, nullptr), ::testing::HasSubstr("127.0.0.1"));
  EXPECT_EQ(llmq_response_attempts(response), 2U);
  llmq_response_free(response);
}

}  // namespace
}  // namespace llmq::test
