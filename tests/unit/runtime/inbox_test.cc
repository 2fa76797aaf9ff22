#include "runtime/inbox.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

namespace llmq::runtime {
namespace {

struct Item {
  Node node;
  int thread = 0;
  int number = 0;
};

TEST(Inbox, KeepsTheOrderOfEachThreadAndLosesNothing) {
  constexpr int kThreads = 4;
  constexpr int kEach = 20'000;
  Inbox inbox;
  std::vector<std::vector<Item>> items(kThreads, std::vector<Item>(kEach));
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        Item& item = items[static_cast<size_t>(t)][static_cast<size_t>(i)];
        item.thread = t;
        item.number = i;
        inbox.push(&item.node);
      }
    });
  }
  std::array<int, kThreads> next{};
  for (int seen = 0; seen < kThreads * kEach;) {
    for (Node* node = inbox.take_all(); node != nullptr; node = node->next, ++seen) {
      const Item& item = *reinterpret_cast<Item*>(node);
      ASSERT_EQ(item.number, next[static_cast<size_t>(item.thread)]++);
    }
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(inbox.empty());
}

TEST(Inbox, WakesASleeperOncePerBurst) {
  Inbox inbox;
  std::array<Node, 3> nodes;
  EXPECT_FALSE(inbox.push(&nodes[0])) << "nobody sleeps";
  EXPECT_FALSE(inbox.try_sleep()) << "something has come";
  inbox.take_all();
  EXPECT_TRUE(inbox.try_sleep());
  EXPECT_TRUE(inbox.push(&nodes[1]));
  EXPECT_FALSE(inbox.push(&nodes[2]));
}

}  // namespace
}  // namespace llmq::runtime
