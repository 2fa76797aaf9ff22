#include "runtime/stored_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "provider/profile.h"
#include "runtime/api_key.h"

namespace llmq::runtime {
namespace {

using ::testing::HasSubstr;

class KeyFile : public ::testing::Test {
 protected:
  ~KeyFile() override { std::remove(path_.c_str()); }
  void write(const char* text) const { std::ofstream(path_, std::ios::trunc) << text; }
  // As a careful program replaces a file: whole, under its name.
  void replace(const char* text) const {
    std::ofstream(path_ + ".new") << text;
    std::rename((path_ + ".new").c_str(), path_.c_str());
  }

  const std::string path_ =
      ::testing::TempDir() + "llmq_stored_key_test." + std::to_string(::getpid());
  core::TimeNs now_{1};
};

TEST_F(KeyFile, IsReadAgainWhenItIsReplaced) {
  write("sk-1\n");
  StoredKey key("sk-1", path_);
  EXPECT_FALSE(key.look_at_file(now_));
  replace("sk-2\n");
  EXPECT_FALSE(key.look_at_file(now_ + core::milliseconds(999))) << "one look a second";
  EXPECT_TRUE(key.look_at_file(now_ + core::seconds(1)));
  EXPECT_EQ(key.text(), "sk-2");
  EXPECT_FALSE(key.look_at_file(now_ + core::seconds(2)));
}

TEST_F(KeyFile, IsReadAtOnceWhereItMatters) {
  write("sk-1");
  StoredKey key("sk-1", path_);
  EXPECT_FALSE(key.look_at_file(now_, true));
  write("sk-22");
  EXPECT_TRUE(key.look_at_file(now_, true));
  EXPECT_EQ(key.text(), "sk-22");
}

TEST_F(KeyFile, ThatIsGoneOrEmptyLeavesTheOldKey) {
  write("sk-1");
  StoredKey key("sk-1", path_);
  write("\n");
  EXPECT_FALSE(key.look_at_file(now_, true));
  std::remove(path_.c_str());
  EXPECT_FALSE(key.look_at_file(now_, true));
  EXPECT_EQ(key.text(), "sk-1");
}

TEST_F(KeyFile, IsWarnedOfWhenEverybodyMayReadIt) {
  write("sk-1");
  config::DeploymentConfig model;
  model.model = "m";
  model.api_key_file = path_;
  ASSERT_EQ(::chmod(path_.c_str(), 0604), 0);
  EXPECT_THAT(key_file_warning(model), HasSubstr(path_));
  EXPECT_THAT(key_file_warning(model), HasSubstr("can be read by everybody"));
  ASSERT_EQ(::chmod(path_.c_str(), 0640), 0);
  EXPECT_EQ(key_file_warning(model), "");
}

TEST(Secret, MovesWithoutACopy) {
  Secret first("sk");
  const char* const where = first.view().data();
  Secret second(std::move(first));
  EXPECT_EQ(second.view().data(), where);
  Secret third;
  EXPECT_TRUE(third.empty());
  third = std::move(second);
  EXPECT_EQ(third.view(), "sk");
}

// The pages of the mapping that holds `address`, as the kernel describes them.
std::string flags_of_mapping(const void* address) {
  std::ifstream maps("/proc/self/smaps");
  const auto wanted = reinterpret_cast<uintptr_t>(address);
  bool inside = false;
  for (std::string line; std::getline(maps, line);) {
    unsigned long long begin = 0;
    unsigned long long end = 0;
    if (std::sscanf(line.c_str(), "%llx-%llx ", &begin, &end) == 2) {
      inside = begin <= wanted && wanted < end;
    }
    if (inside && line.rfind("VmFlags:", 0) == 0) return line + " ";
  }
  return "";
}

TEST(Secret, IsInNoCoreDump) {
#if defined(IS_EMULATED)
  GTEST_SKIP() << "the emulator does not pass on that core dumps leave pages out";
#endif
  if (!std::ifstream("/proc/self/smaps")) GTEST_SKIP() << "this system has no /proc/self/smaps";
  const Secret secret("sk-secret");
  EXPECT_EQ(secret.view(), "sk-secret");
  const std::string flags = flags_of_mapping(secret.view().data());
  EXPECT_THAT(flags, HasSubstr(" dd "));  // "do not include area into core dump", proc(5)
}

TEST(Secret, WipingLeavesNothing) {
  std::string text = "sk-secret";
  const char* const where = text.data();
  wipe(text);
  EXPECT_EQ(text, "");
  EXPECT_EQ(std::string(where, 9), std::string(9, '\0'));
}

}  // namespace
}  // namespace llmq::runtime
