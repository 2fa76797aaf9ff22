// The loop itself, with calendar limits: what it tells the engine shows in its log.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "runtime/deployments.h"
#include "runtime/loop.h"

namespace llmq::runtime {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class LoopWindows : public testing::Test {
 protected:
  LoopWindows() : loop_({}, {}, log_to(text_)) {
    EXPECT_TRUE(loop_.open());
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~LoopWindows() override {
    loop_.post([this] { loop_.shut_down(core::StopMode::kAbort, core::kNever, nullptr); });
    thread_.join();
  }

  static std::shared_ptr<Logger> log_to(std::string& text) {
    LogCallback callback;
    callback.level = LLMQ_LOG_INFO;
    callback.fn = [](void* user, int32_t, const char* line, size_t size) {
      static_cast<std::string*>(user)->append(line, size).push_back('\n');
    };
    callback.user = std::make_shared<UserData>(&text, nullptr);
    return make_log({}, callback).value();
  }

  // Runs it on the loop thread; what was logged until after it.
  std::string log_after(const std::function<void()>& run) {
    loop_.post(run);
    for (int turns = 0; turns < 2; ++turns) {  // the second begins after the first has ended
      std::promise<void> done;
      loop_.post([&done] { done.set_value(); });
      done.get_future().wait();
    }
    std::promise<std::string> text;
    loop_.post([&] { text.set_value(text_); });
    return text.get_future().get();
  }

  ModelEntry* model(core::ModelIndex index, core::Calendar calendar) {
    models_.push_back(std::make_unique<ModelEntry>());
    ModelEntry* const entry = models_.back().get();
    entry->index = index;
    entry->config.name = "m" + std::to_string(index);
    core::LimitSpec limit;
    limit.amount = 100;
    limit.period = core::seconds(60);
    limit.jitter = core::milliseconds(250);
    entry->config.deployments.emplace_back();
    config::DeploymentConfig& deployment = entry->config.deployments.front();
    deployment.limits.push_back(limit);
    limit.shape = core::Shape::kFixed;
    limit.calendar = calendar;
    limit.period = core::seconds(86'400);
    deployment.limits.push_back(limit);
    entry->deployments.push_back(std::make_unique<DeploymentEntry>());
    entry->deployments.front()->config = deployment;
    entry->settings.replace(settings_of(entry->config, {entry->deployments.front().get()}));
    return entry;
  }

  std::vector<std::unique_ptr<ModelEntry>> models_;  // outlive the loop
  std::string text_;                                 // written by the loop thread
  Loop loop_;
  std::thread thread_;
};

TEST_F(LoopWindows, AreToldWhenAModelIsRegistered) {
  ModelEntry* const day = model(0, core::Calendar::kDay);
  ModelEntry* const none = model(1, core::Calendar::kNone);
  const std::string text = log_after([&] {
    loop_.add_model(day, *day->settings.read());
    loop_.add_model(none, *none->settings.read());
  });
  EXPECT_THAT(text, HasSubstr("model m0: limit requests/1d: the day ends in "));
  EXPECT_THAT(text, Not(HasSubstr("model m1: limit")));
}

TEST_F(LoopWindows, GoWithTheirModelAndLeaveThoseOfOthers) {
  ModelEntry* const first = model(0, core::Calendar::kDay);
  ModelEntry* const second = model(1, core::Calendar::kHour);
  const std::string text = log_after([&] {
    loop_.add_model(first, *first->settings.read());
    loop_.add_model(second, *second->settings.read());
    loop_.remove_model(first, core::StopMode::kAbort);
  });
  // The rest is told once more: the engine may have dropped it with what changed.
  const size_t once = text.find("model m1: limit requests/1d: the hour ends in ");
  ASSERT_NE(once, std::string::npos);
  const size_t gone = text.find("model m0: removed");
  ASSERT_NE(gone, std::string::npos);
  EXPECT_NE(text.find("model m1: limit", gone), std::string::npos);
  EXPECT_EQ(text.find("model m0: limit", gone), std::string::npos);
}

}  // namespace
}  // namespace llmq::runtime
