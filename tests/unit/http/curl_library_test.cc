#include "http/curl_library.h"

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
  std::vector<CURL*> handles(8);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < answers.size(); ++i) {
    threads.emplace_back([&ready, &answers, &handles, i] {
      ++ready;
      while (ready < 8) std::this_thread::yield();
      answers[i] = &load_curl();
      handles[i] = curl().easy_init();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(answers[i], answers[0]);
    EXPECT_TRUE(answers[i]->ok());
    EXPECT_NE(handles[i], nullptr);
    curl().easy_cleanup(handles[i]);
  }
  EXPECT_EQ(std::string(curl_versions()).substr(0, 8), "libcurl/");
}

}  // namespace
}  // namespace llmq::http
