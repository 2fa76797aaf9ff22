#include "runtime/leases.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "runtime/job.h"

namespace llmq::runtime {
namespace {

using core::milliseconds;
using core::seconds;
using core::TimeNs;

constexpr uint64_t kFirst = 0x8100000001000001;
constexpr uint64_t kSecond = 0x8100000001000002;

TimeNs at(int64_t ms) { return TimeNs{} + seconds(1000) + milliseconds(ms); }

TEST(Leases, OneThatNobodyIsHeardOfLapsesWhenItsLengthIsOver) {
  Leases leases;
  Job job;
  leases.open(kFirst, job, milliseconds(10), at(0), at(0).ns);
  EXPECT_TRUE(leases.lapsed(at(9)).empty());
  EXPECT_LE(leases.next(), at(10));
  EXPECT_EQ(leases.lapsed(at(11)), std::vector<uint64_t>{kFirst});
  EXPECT_TRUE(leases.lapsed(at(50)).empty()) << "told once";
  ASSERT_NE(leases.find(kFirst), nullptr) << "it stays until it is closed";
  EXPECT_EQ(leases.find(kFirst)->job, &job);
  leases.close(kFirst);
  EXPECT_EQ(leases.find(kFirst), nullptr);
}

TEST(Leases, OneThatIsHeardOfBeginsAnew) {
  Leases leases;
  Job job;
  Lease& lease = leases.open(kFirst, job, milliseconds(10), at(0), at(0).ns);
  for (int64_t ms = 9; ms < 100; ms += 9) {
    lease.heard->store(at(ms).ns);
    EXPECT_TRUE(leases.lapsed(at(ms + 9)).empty()) << ms;
  }
  EXPECT_EQ(leases.lapsed(at(110)), std::vector<uint64_t>{kFirst});
  leases.close(kFirst);
}

TEST(Leases, OneThatNobodyHasTakenNeverLapses) {
  Leases leases;
  Job job;
  Lease& lease = leases.open(kFirst, job, milliseconds(10), at(0), kUntaken);
  EXPECT_TRUE(leases.lapsed(at(5000)).empty());
  lease.heard->store(at(5000).ns);  // taken
  EXPECT_TRUE(leases.lapsed(at(5009)).empty());
  EXPECT_EQ(leases.lapsed(at(5012)), std::vector<uint64_t>{kFirst});
  leases.close(kFirst);
}

TEST(Leases, OneThatIsClosedDoesNotLapse) {
  Leases leases;
  Job job;
  leases.open(kFirst, job, milliseconds(10), at(0), at(0).ns);
  leases.open(kSecond, job, milliseconds(10), at(0), at(0).ns);
  leases.close(kFirst);
  leases.close(kFirst);
  EXPECT_EQ(leases.lapsed(at(20)), std::vector<uint64_t>{kSecond});
  leases.close(kSecond);
}

TEST(Leases, WithoutALengthItNeverLapses) {
  Leases leases;
  Job job;
  leases.open(kFirst, job, core::DurationNs{-1}, at(0), at(0).ns);
  EXPECT_EQ(leases.next(), core::kNever);
  EXPECT_TRUE(leases.lapsed(at(1'000'000'000)).empty());
  leases.close(kFirst);
}

}  // namespace
}  // namespace llmq::runtime
