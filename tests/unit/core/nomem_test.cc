// What the core does where there is no memory for more: it goes on with what it has.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/late_charges.h"
#include "core/limit/sliding_ledger.h"
#include "core/queue/fair_queue.h"
#include "support/failing_memory.h"

namespace llmq::core {
namespace {

using test::FailHere;
using test::Failure;

constexpr Failure kNothingIsLeft{1, true, false};
constexpr TimeNs kStart{1'000'000'000'007};

// Then buckets cover more: what is counted is never less than what lies in the window.
TEST(NoMem, ASlidingLedgerNeverCountsTooLittle) {
  constexpr DurationNs kWindow = seconds(60);
  constexpr DurationNs kStep = seconds(1);  // longer than a bucket covers
  SlidingLedger ledger(kWindow);
  std::vector<TimeNs> charges(200, TimeNs{});
  int64_t most = 0;
  const FailHere fails(kNothingIsLeft);
  TimeNs now = kStart;
  for (size_t i = 0; i < charges.size(); ++i, now = now + kStep) {
    charges[i] = now;
    ledger.charge(now, 1);
    int64_t in_window = 0;
    for (size_t j = 0; j <= i; ++j) in_window += charges[j] + kWindow > now ? 1 : 0;
    const int64_t used = ledger.used(now);
    if (used < in_window) FAIL() << used << " of " << in_window;
    most = std::max(most, used);
  }
  EXPECT_GT(test::failed_here(), 0);
  EXPECT_GT(most, 60);
  EXPECT_EQ(ledger.used(now + kWindow), 0);
}

// Without a table no charge can be found again; a table that cannot grow goes on.
TEST(NoMem, LateChargesAreKeptWhereThereIsATable) {
  GrantPool pool;
  LateCharges late(100);
  std::vector<Grant*> grants;
  for (int i = 0; i < 40; ++i) grants.push_back(pool.take());
  {
    const FailHere fails(kNothingIsLeft);
    late.keep(1, grants[0], pool);
  }
  EXPECT_TRUE(late.empty());
  grants[0] = pool.take();
  late.keep(1, grants[0], pool);
  {
    const FailHere fails(kNothingIsLeft);
    for (uint64_t i = 1; i < 40; ++i) late.keep(1 + i, grants[i], pool);
  }
  EXPECT_GT(test::failed_here(), 0);
  for (uint64_t i = 0; i < 40; ++i) EXPECT_EQ(late.take(1 + i), grants[i]) << i;
  EXPECT_TRUE(late.empty());
}

// A flow that has been made stands in line, is served and goes without any.
TEST(NoMem, AFlowNeedsNoneOnceItIsThere) {
  FairQueue queue;
  std::vector<TenantFlows> tenants(50);
  std::vector<Request> requests(50);
  int64_t failed = 0;
  for (size_t i = 0; i < tenants.size(); ++i) {
    requests[i].seq = i + 1;
    queue.make_room(tenants[i], 0);
    const FailHere fails(kNothingIsLeft);
    queue.push_new(queue.flow_of(tenants[i], 0), requests[i]);
    failed += test::failed_here();
  }
  const FailHere fails(kNothingIsLeft);
  for (size_t i = 0; i < tenants.size(); ++i) {
    Flow& first = *queue.first();
    queue.serve(first, *first.line.front(), 1);
    queue.settle(first, 0);
  }
  EXPECT_EQ(queue.first(), nullptr);
  EXPECT_EQ(failed + test::failed_here(), 0);
}

}  // namespace
}  // namespace llmq::core
