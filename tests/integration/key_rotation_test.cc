// Keys that are replaced while calls are on their way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <llmq/llmq.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

#include "integration/key_server.h"
#include "integration/program.h"

namespace llmq::test {
namespace {

using ::testing::ElementsAre;

class KeyRotation : public ::testing::Test {
 protected:
  KeyRotation() { llmq_conf_create(&conf_); }
  ~KeyRotation() override { llmq_conf_free(conf_); }

  void set(const std::string& key, const std::string& value) {
    ASSERT_EQ(llmq_conf_set(conf_, ("model.m." + key).c_str(), value.c_str(), nullptr), LLMQ_OK);
  }

  // One chat; the number of its attempts goes to `attempts`.
  llmq_status_t call(uint32_t* attempts) {
    llmq_manager_t* manager = nullptr;
    EXPECT_EQ(llmq_manager_create(conf_, &manager, nullptr), LLMQ_OK);
    const llmq_status_t status = call_of(manager, attempts);
    llmq_manager_destroy(manager);
    return status;
  }
  static llmq_status_t call_of(llmq_manager_t* manager, uint32_t* attempts) {
    const llmq_request_t request = greeting();
    llmq_response_t* response = nullptr;
    EXPECT_EQ(llmq_submit_wait(manager, &request, -1, &response), LLMQ_OK);
    const llmq_status_t status = llmq_response_status(response);
    *attempts = llmq_response_attempts(response);
    llmq_response_free(response);
    return status;
  }

  llmq_conf_t* conf_ = nullptr;
};

TEST_F(KeyRotation, TheCallThatMetAReplacedKeyIsTriedAgainWithTheNewOne) {
  const Directory dir;
  const std::string file = dir.write("key", "sk-old");
  KeyServer server("sk-new");
  // As a careful program replaces a file: whole, under its name.
  server.meanwhile = [&dir, &file](int number) {
    if (number == 1) std::rename(dir.write("key.new", "sk-new").c_str(), file.c_str());
  };
  set("provider", "openai");
  set("base_url", server.url());
  set("api_key_file", file);
  uint32_t attempts = 0;
  EXPECT_EQ(call(&attempts), LLMQ_OK);
  EXPECT_EQ(attempts, 2U);
  EXPECT_THAT(server.keys(), ElementsAre("sk-old", "sk-new"));
}

TEST_F(KeyRotation, AKeyThatIsStillTheSameIsNotTriedAgain) {
  const Directory dir;
  KeyServer server("sk-new");
  set("provider", "openai");
  set("base_url", server.url());
  set("api_key_file", dir.write("key", "sk-old"));
  uint32_t attempts = 0;
  EXPECT_EQ(call(&attempts), LLMQ_ERR_AUTH);
  EXPECT_THAT(server.keys(), ElementsAre("sk-old"));
}

// Three refusals in a row: no call is made with that key any more, until there is another one.
TEST_F(KeyRotation, ARefusedKeyIsGivenUpUntilItIsReplaced) {
  const Directory dir;
  const std::string file = dir.write("key", "sk-old");
  KeyServer server("sk-new");
  set("provider", "openai");
  set("base_url", server.url());
  set("api_key_file", file);
  llmq_manager_t* manager = nullptr;
  ASSERT_EQ(llmq_manager_create(conf_, &manager, nullptr), LLMQ_OK);
  uint32_t attempts = 0;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(call_of(manager, &attempts), LLMQ_ERR_AUTH);
    EXPECT_EQ(attempts, i < 3 ? 1U : 0U);
  }
  EXPECT_EQ(server.keys().size(), 3U);
  std::rename(dir.write("key.new", "sk-new").c_str(), file.c_str());
  while (call_of(manager, &attempts) == LLMQ_ERR_AUTH) {  // it is looked for once a second
    EXPECT_EQ(attempts, 0U);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(server.keys().size(), 4U);
  EXPECT_EQ(server.keys().back(), "sk-new");
  llmq_manager_destroy(manager);
}

// Each time another key, none of them good.
int64_t next_key(void* count, const char*, size_t, char* out, size_t room) {
  const int number = ++*static_cast<std::atomic<int>*>(count);
  return std::snprintf(out, room, "sk-%d", number);
}

TEST_F(KeyRotation, ASecondRefusalIsFinal) {
  KeyServer server("sk-new");
  set("provider", "openai");
  set("base_url", server.url());
  std::atomic<int> count{0};
  ASSERT_EQ(llmq_conf_set_api_key_fn(conf_, next_key, &count, nullptr), LLMQ_OK);
  uint32_t attempts = 0;
  EXPECT_EQ(call(&attempts), LLMQ_ERR_AUTH);
  EXPECT_EQ(attempts, 2U);
  EXPECT_EQ(server.keys().size(), 2U);
}

}  // namespace
}  // namespace llmq::test
