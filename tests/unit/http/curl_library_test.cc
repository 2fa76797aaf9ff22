#include "http/curl_library.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace llmq::http {
namespace {

TEST(CurlLibrary, IsFoundOnceByAllThreadsThatAskAtTheSameTime) {
  std::atomic<int> ready{0};
  std::vector<const core::Result<core::Done>*> answers(8);
  std::vector<std::string> versions(8);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < answers.size(); ++i) {
    threads.emplace_back([&ready, &answers, &versions, i] {
      ++ready;
      while (ready < 8) std::this_thread::yield();
      answers[i] = &load_curl();
      versions[i] = curl().version();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(answers[i], answers[0]);
    EXPECT_TRUE(answers[i]->ok());
    EXPECT_EQ(versions[i], curl_versions());
  }
  EXPECT_THAT(versions[0], ::testing::StartsWith("libcurl/"));
}

}  // namespace
}  // namespace llmq::http
