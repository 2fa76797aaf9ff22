#include "core/limit/leased_room.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>

#include "core/random.h"

namespace llmq::core {
namespace {

constexpr TimeNs kStart{1'000'000'000'007};

TEST(LeasedRoom, IsEmptyAtFirst) {
  LeasedRoom room;
  EXPECT_EQ(room.available(kStart), 0);
}

TEST(LeasedRoom, LastsUntilItExpires) {
  LeasedRoom room;
  room.add(kStart, 10, kStart + seconds(1));
  EXPECT_EQ(room.available(kStart + seconds(1) - nanoseconds(1)), 10);
  EXPECT_EQ(room.available(kStart + seconds(1)), 0);
}

TEST(LeasedRoom, TakesNothingThatIsNoGrant) {
  LeasedRoom room;
  room.add(kStart, 0, kNever);
  room.add(kStart, -5, kNever);
  room.add(kStart, 5, kStart);
  EXPECT_EQ(room.available(kStart), 0);
}

TEST(LeasedRoom, UsesUpWhatExpiresFirst) {
  LeasedRoom room;
  room.add(kStart, 10, kStart + seconds(2));
  room.add(kStart, 10, kStart + seconds(1));
  room.take(kStart, 12);
  EXPECT_EQ(room.available(kStart), 8);
  EXPECT_EQ(room.available(kStart + seconds(1)), 8) << "the shorter one was used up";
  EXPECT_EQ(room.available(kStart + seconds(2)), 0);
}

TEST(LeasedRoom, AgreesWithAMapByExpiry) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Random random(seed);
    LeasedRoom room;
    std::multimap<int64_t, int64_t> oracle;  // expiry, amount
    TimeNs now = kStart;
    for (int i = 0; i < 300; ++i) {
      now = now + DurationNs{random.between(0, 20)};
      oracle.erase(oracle.begin(), oracle.upper_bound(now.ns));
      int64_t sum = 0;
      for (const auto& [expires, amount] : oracle) sum += amount;
      ASSERT_EQ(room.available(now), sum) << "seed " << seed << " step " << i;
      if (random.between(0, 1) == 0) {
        const TimeNs expires = now + DurationNs{random.between(1, 200)};
        const int64_t amount = random.between(1, 50);
        room.add(now, amount, expires);
        oracle.emplace(expires.ns, amount);
        continue;
      }
      int64_t wanted = random.between(0, sum);
      room.take(now, wanted);
      for (auto& [expires, amount] : oracle) {
        const int64_t part = std::min(wanted, amount);
        amount -= part;
        wanted -= part;
      }
    }
  }
}

}  // namespace
}  // namespace llmq::core
