#include "core/limit/pacer.h"

#include <gtest/gtest.h>

namespace llmq::core {
namespace {

constexpr TimeNs kStart{5'000'000'000};

TEST(Pacer, SpacesCallsOut) {
  Pacer pacer(50, seconds(5), {});
  TimeNs at = pacer.earliest(kStart, 0);
  EXPECT_EQ(at, kStart);
  int64_t sent = 0;
  while (at < kStart + seconds(5)) {
    pacer.charge(at, 1);
    ++sent;
    at = pacer.earliest(at, 0);
  }
  EXPECT_EQ(sent, 50);
}

TEST(Pacer, ALateWakeUpIsCaughtUpWith) {
  Pacer pacer(1000, seconds(1), {});
  TimeNs now = kStart;
  int64_t sent = 0;
  for (; now < kStart + seconds(10); now = now + milliseconds(3)) {
    while (pacer.earliest(now, 0) <= now) {
      pacer.charge(now, 1);
      ++sent;
    }
  }
  EXPECT_GE(sent, 9900) << "a timer that looks every 3 ms costs no rate";
  EXPECT_LE(sent, 10000);
}

TEST(Pacer, ReservedCallsStandBefore) {
  Pacer pacer(10, seconds(1), {});
  pacer.charge(kStart, 1);
  const TimeNs next = pacer.earliest(kStart, 0);
  EXPECT_GT(pacer.earliest(kStart, 1), next + milliseconds(90));
}

TEST(Pacer, AChangeKeepsTheBacklogInUnits) {
  Pacer pacer(10, seconds(1), {});
  pacer.charge(kStart, 5);
  pacer.change(kStart, Pacer(20, seconds(1), {}));
  EXPECT_LE(pacer.earliest(kStart, 0), kStart + milliseconds(260));
  EXPECT_GE(pacer.earliest(kStart, 0), kStart + milliseconds(240));
}

}  // namespace
}  // namespace llmq::core
