// A used-up quota over HTTP: which calls the provider sees, and when.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <llmq/llmq.hpp>

#include <chrono>
#include <condition_variable>
#include <ctime>
#include <future>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/http/scripted_server.h"

namespace {

using llmq::http::Connection;
using llmq::http::ScriptedServer;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::HasSubstr;

constexpr const char* kGood =
    R"({"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}})";
constexpr const char* kUsedUp =
    R"({"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}})";

// Answers call by call, and notes when each came.
class Account {
 public:
  explicit Account(std::vector<std::string> answers)
      : answers_(std::move(answers)),
        server_([this](Connection& connection) { serve(connection); }) {}

  llmq::conf conf(const std::string& provider = "openai") const {
    llmq::conf conf;
    conf.set("model.m.provider", provider);
    conf.set("model.m.base_url", "http://" + server_.authority());
    conf.set("model.m.limits", "concurrency=1");
    conf.set("model.m.retry.base_ms", "1").set("model.m.retry.cap_ms", "1");
    return conf;
  }
  size_t calls() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return times_.size();
  }
  void wait_for_a_call() {
    std::unique_lock<std::mutex> lock(mutex_);
    called_.wait(lock, [this] { return !times_.empty(); });
  }
  // Between two calls, by their numbers.
  milliseconds between(size_t first, size_t second) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return std::chrono::duration_cast<milliseconds>(times_.at(second) - times_.at(first));
  }

 private:
  void serve(Connection& connection) {
    while (connection.read_request()) {
      std::string answer;
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        const size_t number = times_.size();
        times_.push_back(steady_clock::now());
        called_.notify_all();
        answer = number < answers_.size() ? answers_[number] : llmq::http::answer(kGood);
      }
      connection.write(answer);
    }
  }

  const std::vector<std::string> answers_;
  std::mutex mutex_;
  std::condition_variable called_;
  std::vector<steady_clock::time_point> times_;
  ScriptedServer server_;
};

std::string used_up() { return llmq::http::answer(kUsedUp, "429 Too Many Requests"); }

// Of OpenRouter: it tells when the budget is there again, in whole seconds.
std::string used_up_until(std::time_t back) {
  char text[32];
  std::tm utc{};
  gmtime_r(&back, &utc);
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return llmq::http::answer(
      std::string(R"({"error":{"message":"Budget limit exceeded","code":403,"metadata":)") +
          R"({"limit_source":"openrouter_key_limit","resets_at":")" + text + R"("}}})",
      "403 Forbidden");
}

const llmq::request kRequest{"m", R"({"messages":[]})"};

TEST(Quota, IsNoRetryAndSparesTheCallsThatFollow) {
  Account account({used_up()});
  llmq::manager manager(account.conf());
  auto first = manager.submit(kRequest);
  auto second = manager.submit(kRequest);
  const llmq::response met = first.get();
  EXPECT_EQ(met.status(), LLMQ_ERR_QUOTA_EXHAUSTED);
  EXPECT_EQ(met.http_status(), 429);
  EXPECT_EQ(met.attempts(), 1U);
  const llmq::response spared = second.get();
  EXPECT_EQ(spared.status(), LLMQ_ERR_QUOTA_EXHAUSTED);
  EXPECT_EQ(spared.attempts(), 0U);
  EXPECT_THAT(std::string(spared.error_message()), HasSubstr("exceeded your current quota"));
  const llmq::response third = manager.submit(kRequest).get();
  EXPECT_EQ(third.status(), LLMQ_ERR_QUOTA_EXHAUSTED);
  EXPECT_EQ(account.calls(), 1U);
}

// One call finds out whether it is back; the rest waits for it.
TEST(Quota, IsWaitedForWhereItBlocks) {
  Account account({used_up(), used_up()});
  llmq::conf conf = account.conf();
  conf.set("model.m.on_quota_exhausted", "block").set("model.m.quota_recheck_s", "1");
  conf.set("model.m.limits", "concurrency=4");
  llmq::manager manager(conf);
  auto first = manager.submit(kRequest);
  account.wait_for_a_call();
  std::vector<std::future<llmq::response>> rest;
  for (int i = 0; i < 3; ++i) rest.push_back(manager.submit(kRequest));
  EXPECT_TRUE(first.get().ok());
  for (auto& one : rest) EXPECT_TRUE(one.get().ok());
  EXPECT_EQ(account.calls(), 6U);
  EXPECT_GE(account.between(0, 1), milliseconds(950));
  EXPECT_GE(account.between(1, 2), milliseconds(950)) << "the probe met it again";
}

TEST(Quota, IsTriedWhenTheProviderSaysThatItIsBack) {
  const std::time_t back = std::time(nullptr) + 2;
  Account account({used_up_until(back)});
  llmq::conf conf = account.conf("openrouter");
  conf.set("model.m.on_quota_exhausted", "block").set("model.m.quota_recheck_s", "3600");
  conf.set("model.m.limits", "requests=100/1s");
  llmq::manager manager(conf);
  const llmq::response response = manager.submit(kRequest).get();
  EXPECT_TRUE(response.ok()) << response.error_message();
  EXPECT_EQ(account.calls(), 2U);
  // Not time(): that clock may be a tick behind.
  EXPECT_GE(std::chrono::system_clock::now(), std::chrono::system_clock::from_time_t(back));
}

// The account's, so that of every model that shares its pool.
TEST(Quota, OfAPoolSparesAllItsModels) {
  Account account({used_up()});
  llmq::conf conf = account.conf();
  conf.set("pool.account.limits", "requests=100/1s").set("model.m.pool", "account");
  conf.set("model.n.provider", "openai").set("model.n.pool", "account");
  conf.set("model.n.base_url", "http://127.0.0.1:" + std::to_string(llmq::http::unused_port()));
  llmq::manager manager(conf);
  EXPECT_EQ(manager.submit(kRequest).get().attempts(), 1U);
  const llmq::response other = manager.submit(llmq::request{"n", R"({"messages":[]})"}).get();
  EXPECT_EQ(other.status(), LLMQ_ERR_QUOTA_EXHAUSTED);
  EXPECT_EQ(other.attempts(), 0U);
}

}  // namespace
