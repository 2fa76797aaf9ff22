#include "runtime/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace llmq::runtime {
namespace {

using ::testing::HasSubstr;

class Log : public ::testing::Test {
 protected:
  void SetUp() override { ::unsetenv("LLMQ_LOG"); }
  void TearDown() override {
    ::unsetenv("LLMQ_LOG");
    std::remove(path_.c_str());
  }
  std::string text() const {
    std::ifstream file(path_);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // CTest runs each test as a process of its own, several at a time.
  const std::string path_ = ::testing::TempDir() + "llmq_log_test." + std::to_string(::getpid());
};

TEST_F(Log, IsSilentUnlessAsked) {
  const auto log = make_log({}, {}).value();
  EXPECT_FALSE(log->on(LLMQ_LOG_ERROR));
}

TEST_F(Log, GoesToTheFileOfTheConfiguration) {
  config::ManagerConfig config;
  config.log_level = LLMQ_LOG_INFO;
  config.log_file = path_;
  const auto log = make_log(config, {}).value();
  log->debug("too quiet");
  log->info("number {} of {}: {}", uint64_t{5}, std::string("{}"), "last");
  EXPECT_THAT(text(), HasSubstr("info llmq number 5 of {}: last\n"));
  EXPECT_THAT(text(), ::testing::Not(HasSubstr("quiet")));
}

TEST_F(Log, TheEnvironmentOverrulesTheConfiguration) {
  ::setenv("LLMQ_LOG", ("debug:" + path_).c_str(), 1);
  const auto log = make_log({}, {}).value();
  log->debug("heard");
  EXPECT_THAT(text(), HasSubstr("heard"));
}

TEST_F(Log, AMalformedVariableIsAnError) {
  ::setenv("LLMQ_LOG", "loud", 1);
  const auto log = make_log({}, {});
  ASSERT_FALSE(log.ok());
  EXPECT_THAT(log.error().message, HasSubstr("loud"));
}

TEST_F(Log, AFileThatCannotBeOpenedIsAnError) {
  config::ManagerConfig config;
  config.log_level = LLMQ_LOG_INFO;
  config.log_file = "/dev/null/file";
  EXPECT_FALSE(make_log(config, {}).ok());
}

TEST_F(Log, ACallbackHearsItsLevelAndIsFreedOnce) {
  struct Heard {
    int lines = 0;
    int freed = 0;
  } heard;
  {
    LogCallback callback;
    callback.level = LLMQ_LOG_WARN;
    callback.fn = [](void* user, int32_t level, const char*, size_t) {
      EXPECT_EQ(level, LLMQ_LOG_WARN);
      ++static_cast<Heard*>(user)->lines;
    };
    callback.user =
        std::make_shared<UserData>(&heard, [](void* user) { ++static_cast<Heard*>(user)->freed; });
    const auto log = make_log({}, callback).value();
    log->info("no");
    log->warn("yes");
  }
  EXPECT_EQ(heard.lines, 1);
  EXPECT_EQ(heard.freed, 1);
}

TEST_F(Log, TextFromElsewhereStaysOnItsLine) {
  EXPECT_EQ(one_line("a\nb\r\x1b[1m\x7f"), "a b  [1m ");
  EXPECT_EQ(one_line("\xc3\xa9"), "\xc3\xa9");
  EXPECT_EQ(one_line(""), "");
}

}  // namespace
}  // namespace llmq::runtime
