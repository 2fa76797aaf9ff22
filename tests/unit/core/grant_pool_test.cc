#include "core/grant_pool.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace llmq::core {
namespace {

TEST(GrantPool, GivesEachToOneHolder) {
  GrantPool pool;
  std::set<Grant*> held;
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(held.insert(pool.take()).second);
}

TEST(GrantPool, ReusesWhatCameBack) {
  GrantPool pool;
  std::set<Grant*> first;
  for (int i = 0; i < 100; ++i) first.insert(pool.take());
  for (Grant* one : first) pool.give_back(one);
  std::set<Grant*> second;
  for (int i = 0; i < 100; ++i) second.insert(pool.take());
  EXPECT_EQ(first, second);
  EXPECT_EQ(first.count(pool.take()), 0u) << "all of them are out";
}

TEST(GrantPool, AddressesStayWhenItGrows) {
  GrantPool pool;
  Grant* const first = pool.take();
  first->holds[0].cost = 42;
  for (int i = 0; i < 10'000; ++i) pool.take();
  EXPECT_EQ(first->holds[0].cost, 42);
}

}  // namespace
}  // namespace llmq::core
