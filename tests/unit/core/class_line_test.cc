#include "core/queue/class_line.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <vector>

#include "core/random.h"

namespace llmq::core {
namespace {

LimitSpec tokens_per_minute() {
  LimitSpec spec;
  spec.kind = LimitKind::kTokens;
  spec.amount = 60'000;
  spec.period = seconds(60);
  return spec;
}

class Line : public ClassLine {
 public:
  explicit Line(size_t tenant_count) {
    for (TenantIndex i = 0; i < tenant_count; ++i) tenants.emplace_back().tenant = i;
  }

  Request& submit(TimeNs now, int priority, TenantIndex tenant = 0, uint32_t tokens = 10) {
    Request& request = requests.emplace_back();
    request.seq = requests.size();
    request.submitted = now;
    request.priority = static_cast<uint8_t>(priority) & 7;
    request.tenant = tenant;
    request.est_input_tokens = tokens;
    push_new(tenants[tenant], request);
    return request;
  }

  Request* next() {
    Request* const first = front();
    if (first == nullptr) return nullptr;
    TenantFlows& tenant = tenants[first->tenant];
    const uint64_t cost = virtual_cost(limiter.dominant_share(demand_of(*first)), tenant.weight);
    serve(tenant, *first, counts(*first) ? cost : 0);
    return first;
  }

  Limiter limiter{{tokens_per_minute()}, 1000};
  std::deque<TenantFlows> tenants;
  std::deque<Request> requests;
};

constexpr TimeNs kBegin{1'000'000'000'000};

TEST(ClassLine, UrgentFirstBatchLast) {
  Line line(1);
  for (const int priority : {4, 3, 2, 1, 0}) line.submit(kBegin, priority);
  std::vector<int> order;
  while (Request* request = line.next()) order.push_back(request->priority);
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3, 0, 4})) << "0 is normal, as 3";
}

TEST(ClassLine, WhoHasWaitedLongerByTheOffsetGoesFirst) {
  for (const auto& [priority, offset] :
       {std::pair<int, int>{2, 30}, {3, 120}, {0, 120}, {4, 900}}) {
    for (const int late : {-1, 1}) {
      Line line(1);
      const Request& waiting = line.submit(kBegin, priority);
      const Request& urgent = line.submit(kBegin + seconds(offset + late), 1);
      EXPECT_EQ(line.next(), late < 0 ? &urgent : &waiting) << priority << " " << late;
    }
  }
}

// Whatever comes, the order is that of submission + offset for one tenant, so nobody waits longer
// than its offset beyond the order of arrival.
TEST(ClassLine, OneTenantIsServedByKey) {
  Random random(5);
  Line line(1);
  TimeNs now = kBegin;
  const auto key = [](const Request& request) {
    return request.submitted + kClassOffsets[class_of(request)];
  };
  std::vector<const Request*> waiting;
  for (int i = 0; i < 3000; ++i) {
    now = now + seconds(random.between(0, 20));
    waiting.push_back(&line.submit(now, static_cast<int>(random.between(0, 4))));
    if (random.between(0, 20) == 0 || waiting.size() < 20) continue;
    const Request* const served = line.next();
    for (const Request* other : waiting) ASSERT_LE(key(*served), key(*other));
    waiting.erase(std::find(waiting.begin(), waiting.end(), served));
  }
}

TEST(ClassLine, FirstInOrderIsWhatWouldBeServed) {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    Random random(seed);
    const int64_t tenants = random.between(1, 40);
    Line line(static_cast<size_t>(tenants));
    for (int i = 0; i < 300; ++i) {
      line.submit(kBegin, 0, static_cast<TenantIndex>(random.between(0, tenants - 1)),
                  static_cast<uint32_t>(random.between(1, 500)));
      if (random.between(0, 2) == 0) line.next();
    }
    std::vector<Request*> seen;
    line.first_in_order(line.limiter, seen);
    ASSERT_EQ(seen.size(), std::min(line.size(), ClassLine::kScan));
    for (const Request* request : seen) ASSERT_EQ(line.next(), request) << "seed " << seed;
  }
}

TEST(ClassLine, LooksAtAllThatCameBackNearTheFront) {
  Line line(1);
  std::vector<Request*> all;
  for (int i = 0; i < 40; ++i) all.push_back(&line.submit(kBegin, 0));
  for (size_t i = 0; i < 20; ++i) line.next();
  for (size_t i = 20; i-- > 0;) {
    line.settle(line.tenants[0], *all[i], 0);
    line.push_returned(line.tenants[0], *all[i]);
  }
  std::vector<Request*> seen;
  line.first_in_order(line.limiter, seen);
  EXPECT_EQ(seen, all);
}

TEST(ClassLine, ParkedTenantsAreLeftOut) {
  Line line(2);
  line.submit(kBegin, 0, 0);
  const Request& other = line.submit(kBegin, 4, 1);
  line.park(line.tenants[0]);
  EXPECT_EQ(line.front(), &other);
  line.submit(kBegin, 1, 0);
  EXPECT_EQ(line.front(), &other);
  EXPECT_EQ(line.size(), 3u);
  line.park(line.tenants[1]);
  EXPECT_EQ(line.front(), nullptr);
  EXPECT_EQ(line.oldest_of_first(), nullptr);
  line.unpark(line.tenants[0]);
  EXPECT_EQ(line.front()->priority, 1);
}

}  // namespace
}  // namespace llmq::core
