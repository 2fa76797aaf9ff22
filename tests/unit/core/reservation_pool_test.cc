#include "core/limit/reservation_pool.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace llmq::core {
namespace {

TEST(ReservationPool, GivesEachToOneHolder) {
  ReservationPool pool;
  std::set<Reservation*> held;
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(held.insert(pool.take()).second);
}

TEST(ReservationPool, ReusesWhatCameBack) {
  ReservationPool pool;
  std::set<Reservation*> first;
  for (int i = 0; i < 100; ++i) first.insert(pool.take());
  for (Reservation* one : first) pool.give_back(one);
  std::set<Reservation*> second;
  for (int i = 0; i < 100; ++i) second.insert(pool.take());
  EXPECT_EQ(first, second);
  EXPECT_EQ(first.count(pool.take()), 0u) << "all of them are out";
}

TEST(ReservationPool, AddressesStayWhenItGrows) {
  ReservationPool pool;
  Reservation* const first = pool.take();
  first->holds[0].cost = 42;
  for (int i = 0; i < 10'000; ++i) pool.take();
  EXPECT_EQ(first->holds[0].cost, 42);
}

}  // namespace
}  // namespace llmq::core
