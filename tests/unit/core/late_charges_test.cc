#include "core/late_charges.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace llmq::core {
namespace {

TEST(LateCharges, GivesUpEachChargeOnce) {
  GrantPool pool;
  LateCharges late(10);
  Grant* const reservation = pool.take();
  late.keep(7, reservation, pool);
  EXPECT_EQ(late.take(8), nullptr);
  EXPECT_EQ(late.take(7), reservation);
  EXPECT_EQ(late.take(7), nullptr);
}

TEST(LateCharges, DropsTheOldestFirst) {
  GrantPool pool;
  LateCharges late(3);
  Grant* kept[5];
  for (uint64_t id = 1; id <= 5; ++id) {
    kept[id - 1] = pool.take();
    late.keep(id, kept[id - 1], pool);
  }
  EXPECT_EQ(late.take(1), nullptr);
  EXPECT_EQ(late.take(2), nullptr);
  for (uint64_t id = 3; id <= 5; ++id) EXPECT_EQ(late.take(id), kept[id - 1]);
}

TEST(LateCharges, FindsEachOfMany) {
  GrantPool pool;
  LateCharges late(1'000);
  Grant* kept[1'000];
  for (uint64_t id = 0; id < 1'000; ++id) {  // ids that differ in their upper half alone
    kept[id] = pool.take();
    late.keep(id << 32, kept[id], pool);
  }
  for (uint64_t id = 0; id < 1'000; id += 3) EXPECT_EQ(late.take(id << 32), kept[id]);
  for (uint64_t id = 0; id < 1'000; ++id) {
    EXPECT_EQ(late.take(id << 32), id % 3 == 0 ? nullptr : kept[id]);
  }
  EXPECT_TRUE(late.empty());
}

TEST(LateCharges, CountsOnlyWhatItKeeps) {
  GrantPool pool;
  LateCharges late(2);
  Grant* const first = pool.take();
  late.keep(1, first, pool);
  late.keep(2, pool.take(), pool);
  EXPECT_NE(late.take(2), nullptr);
  late.keep(3, pool.take(), pool);
  EXPECT_EQ(late.take(1), first) << "there was room beside it";
}

TEST(LateCharges, ReturnsWhatItDropsToThePool) {
  GrantPool pool;
  LateCharges late(1);
  Grant* const first = pool.take();
  late.keep(1, first, pool);
  late.keep(2, pool.take(), pool);
  EXPECT_EQ(pool.take(), first);
}

TEST(LateCharges, ReturnsAllToThePoolWhenItsModelGoes) {
  GrantPool pool;
  LateCharges late(5);
  Grant* const only = pool.take();
  late.keep(1, only, pool);
  late.clear(pool);
  EXPECT_EQ(late.take(1), nullptr);
  EXPECT_EQ(pool.take(), only);
}

TEST(LateCharges, KeepsNothingIfToldSo) {
  GrantPool pool;
  LateCharges late(0);
  Grant* const reservation = pool.take();
  late.keep(1, reservation, pool);
  EXPECT_EQ(late.take(1), nullptr);
  EXPECT_EQ(pool.take(), reservation);
}

TEST(LateCharges, I3_LosesNoGrant) {
  GrantPool pool;
  LateCharges late(4);
  Grant* const watched = pool.take();
  late.keep(1, watched, pool);
  EXPECT_EQ(late.take(1), watched);
  pool.give_back(watched);
  for (uint64_t id = 2; id < 50; ++id) {
    Grant* const reservation = pool.take();
    late.keep(id, reservation, pool);
    EXPECT_EQ(late.take(id), reservation);
    pool.give_back(reservation);
  }
  EXPECT_EQ(pool.take(), watched) << "one reservation served them all";
}

}  // namespace
}  // namespace llmq::core
