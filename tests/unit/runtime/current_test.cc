#include "runtime/current.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

namespace llmq::runtime {
namespace {

TEST(Current, ReadersKeepWhatTheyFound) {
  Current<std::string> current;
  current.replace("first");
  {
    const auto old = current.read();
    current.replace("second");
    current.replace("third");
    EXPECT_EQ(*old, "first");
    EXPECT_EQ(*current.read(), "third");
    EXPECT_EQ(current.versions(), 3U);
  }
  current.replace("fourth");
  EXPECT_EQ(*current.read(), "fourth");
  EXPECT_EQ(current.versions(), 1U) << "nobody reads the old ones any more";
}

// Under TSan and ASan: no reader sees a torn or a freed value.
TEST(Current, ManyReadersAndOneWriter) {
  Current<std::string> current;
  current.replace(std::string(100, 'a'));
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!stop.load()) {
        const auto value = current.read();
        if (*value != std::string(100, value->front())) wrong.fetch_add(1);
      }
    });
  }
  for (int i = 0; i < 2000; ++i) current.replace(std::string(100, static_cast<char>('a' + i % 26)));
  stop.store(true);
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong.load(), 0);
}

}  // namespace
}  // namespace llmq::runtime
