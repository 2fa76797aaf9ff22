#include "runtime/platform.h"

#include <gtest/gtest.h>
#include <llmq/llmq.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <string>

namespace llmq::runtime::platform {
namespace {

bool is_readable(int fd) {
  pollfd watched{fd, POLLIN, 0};
  return ::poll(&watched, 1, 0) == 1;
}

class ReadableFdOfKind : public ::testing::TestWithParam<int32_t> {};

TEST_P(ReadableFdOfKind, IsReadableFromRaiseToLower) {
  ReadableFd fd;
  EXPECT_FALSE(fd.is_open());
  ASSERT_EQ(fd.open(GetParam()), core::Status::kOk);
  EXPECT_FALSE(is_readable(fd.number()));
  for (int round = 0; round < 3; ++round) {
    fd.raise();
    fd.raise();
    EXPECT_TRUE(is_readable(fd.number()));
    fd.lower();
    EXPECT_FALSE(is_readable(fd.number()));
    fd.lower();
  }
}

TEST_P(ReadableFdOfKind, EndsWithItsOwner) {
  int number = -1;
  {
    ReadableFd fd;
    ASSERT_EQ(fd.open(GetParam()), core::Status::kOk);
    number = fd.number();
  }
  pollfd watched{number, POLLIN, 0};
  ASSERT_EQ(::poll(&watched, 1, 0), 1);
  EXPECT_NE(watched.revents & POLLNVAL, 0);
}

INSTANTIATE_TEST_SUITE_P(Kinds, ReadableFdOfKind,
                         ::testing::Values(LLMQ_CQ_FD_EVENTFD, LLMQ_CQ_FD_PIPE));

TEST(ReadableFd, ThatIsNotOpenTakesNoOrder) {
  ReadableFd fd;
  fd.raise();
  fd.lower();
  EXPECT_FALSE(fd.is_open());
}

class File : public ::testing::Test {
 protected:
  ~File() override { std::remove(path_.c_str()); }
  void write(const char* text) const { std::ofstream(path_, std::ios::trunc) << text; }

  const std::string path_ =
      ::testing::TempDir() + "llmq_platform_test." + std::to_string(::getpid());
};

TEST_F(File, HasAnotherVersionWhenItIsWrittenTo) {
  EXPECT_EQ(version_of(path_), FileVersion());
  write("a");
  const FileVersion first = version_of(path_);
  EXPECT_FALSE(first == FileVersion());
  EXPECT_EQ(version_of(path_), first);
  write("ab");
  EXPECT_FALSE(version_of(path_) == first);
}

TEST_F(File, IsReadAsFarAsThereIsRoom) {
  write("abcdef");
  std::array<char, 4> small{};
  size_t size = 99;
  std::string why;
  ASSERT_TRUE(read_file(path_, small.data(), small.size(), &size, &why)) << why;
  EXPECT_EQ(std::string(small.data(), size), "abcd");
  std::array<char, 16> large{};
  ASSERT_TRUE(read_file(path_, large.data(), large.size(), &size, &why)) << why;
  EXPECT_EQ(std::string(large.data(), size), "abcdef");
}

TEST_F(File, ThatCannotBeReadSaysWhy) {
  std::array<char, 4> bytes{};
  size_t size = 0;
  std::string why;
  EXPECT_FALSE(read_file(path_, bytes.data(), bytes.size(), &size, &why));
  EXPECT_EQ(why, "No such file or directory");
  EXPECT_FALSE(read_file(::testing::TempDir(), bytes.data(), bytes.size(), &size, &why));
  EXPECT_EQ(why, "Is a directory");
}

TEST(LoopThread, GetsNoSignalOfTheHosts) {
  sigset_t before;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  bool is_blocked = false;
  std::array<char, 16> name{};
  const auto thread = start_loop_thread([&is_blocked, &name] {
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    is_blocked = sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGINT) == 1;
    pthread_getname_np(pthread_self(), name.data(), name.size());
  });
  ASSERT_NE(thread, nullptr);
  thread->join();
  EXPECT_TRUE(is_blocked);
  EXPECT_STREQ(name.data(), "llmq-loop");
  sigset_t after;
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  EXPECT_EQ(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
}

}  // namespace
}  // namespace llmq::runtime::platform
