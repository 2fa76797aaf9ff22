#include "core/queue/fair_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <vector>

#include "core/random.h"

namespace llmq::core {
namespace {

// Tenants and their requests, served one after another.
class Shop {
 public:
  explicit Shop(std::vector<uint32_t> weights) {
    for (const uint32_t weight : weights) {
      TenantFlows& tenant = tenants.emplace_back();
      tenant.tenant = static_cast<TenantIndex>(tenants.size());
      tenant.weight = weight;
    }
    service.resize(tenants.size());
  }

  void submit(size_t tenant, uint32_t cost) {
    Request& request = requests.emplace_back();
    request.seq = requests.size();
    request.est_input_tokens = cost;
    request.tenant = static_cast<TenantIndex>(tenant);
    queue.push_new(queue.flow_of(tenants[tenant], 0), request);
  }

  // Who was served; SIZE_MAX: nobody waits. `actual` of the estimate turns out to be used.
  size_t serve(int64_t percent = 100) {
    Flow* const flow = queue.first();
    if (flow == nullptr) return SIZE_MAX;
    Request& request = *flow->line.front();
    const uint64_t cost = queue.counts() ? cost_of(request, 100) : 0;
    queue.serve(*flow, request, cost);
    const auto actual = percent == 0 ? 0 : static_cast<int64_t>(cost_of(request, percent));
    queue.settle(*flow, cost == 0 ? 0 : actual - static_cast<int64_t>(cost));
    service[request.tenant] +=
        static_cast<double>(request.est_input_tokens) * static_cast<double>(percent) / 100;
    return request.tenant;
  }

  bool waits(size_t tenant) const {
    return tenants[tenant].flows[0] != nullptr && !tenants[tenant].flows[0]->line.empty();
  }

  FairQueue queue;
  std::deque<TenantFlows> tenants;
  std::deque<Request> requests;
  std::vector<double> service;

 private:
  uint64_t cost_of(const Request& request, int64_t percent) const {
    return virtual_cost({int64_t{request.est_input_tokens} * 1000 * percent / 100},
                        tenants[request.tenant].weight);
  }
};

TEST(FairQueue, ServesOneTenantInOrderAndCountsNothing) {
  Shop shop({kWeightOne});
  for (int i = 0; i < 100; ++i) shop.submit(0, 5);
  EXPECT_FALSE(shop.queue.counts());
  for (uint64_t seq = 1; seq <= 100; ++seq) {
    ASSERT_EQ(shop.queue.first()->line.front()->seq, seq);
    shop.serve();
  }
  EXPECT_EQ(shop.queue.first(), nullptr);
}

// I8, in every interval in which both wait, against a count of the service.
TEST(FairQueue, I8_ServesTenantsByWeight) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    Random random(seed);
    std::vector<uint32_t> weights;
    for (int64_t i = random.between(2, 6); i > 0; --i) {
      weights.push_back(static_cast<uint32_t>(random.between(1, 50)) * kWeightOne / 10);
    }
    Shop shop(weights);
    constexpr uint32_t kMostCost = 1000;
    const size_t n = weights.size();
    // For each pair: the service of both when their common backlog began, and how far apart they
    // have been since.
    std::vector<double> least(n * n), most(n * n);
    std::vector<bool> both(n * n, false);
    std::vector<double> from(n * n);
    for (int step = 0; step < 4000; ++step) {
      const auto tenant = static_cast<size_t>(random.between(0, static_cast<int64_t>(n) - 1));
      for (int64_t i = random.between(0, 3); i > 0; --i) {
        shop.submit(tenant, static_cast<uint32_t>(random.between(1, kMostCost)));
      }
      for (size_t i = 0; i < n; ++i) {
        for (size_t j = 0; j < i; ++j) {
          const size_t pair = i * n + j;
          const double wi = weights[i] / double{kWeightOne};
          const double wj = weights[j] / double{kWeightOne};
          const double apart = shop.service[i] / wi - shop.service[j] / wj;
          if (!shop.waits(i) || !shop.waits(j)) {
            both[pair] = false;
            continue;
          }
          if (!both[pair]) {
            both[pair] = true;
            from[pair] = least[pair] = most[pair] = apart;
          }
          least[pair] = std::min(least[pair], apart);
          most[pair] = std::max(most[pair], apart);
          ASSERT_LE(most[pair] - least[pair], kMostCost * (1 / wi + 1 / wj) + 1)
              << "seed " << seed << " step " << step;
        }
      }
      shop.serve();
    }
  }
}

TEST(FairQueue, ALoneTenantGetsEverything) {
  Shop shop({kWeightOne, kWeightOne});
  shop.submit(1, 10);
  shop.serve();
  for (int i = 0; i < 1000; ++i) shop.submit(0, 10);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(shop.serve(), 0u);
}

// Kubernetes #95979: a tenant that was away, or behind, must not get a long burst when it comes.
TEST(FairQueue, WhoWasAwayGainsNothing) {
  Shop shop({kWeightOne, kWeightOne, kWeightOne});
  shop.submit(2, 1);
  for (int i = 0; i < 2000; ++i) shop.submit(0, 10);
  for (int i = 0; i < 1000; ++i) shop.serve();
  for (int i = 0; i < 100; ++i) shop.submit(1, 10);
  const double before = shop.service[0];
  for (int i = 0; i < 100; ++i) shop.serve();
  EXPECT_NEAR(shop.service[0] - before, 500, 20);
  EXPECT_NEAR(shop.service[1], 500, 20);
}

TEST(FairQueue, SettlementCorrectsWhatWasEstimated) {
  Shop shop({kWeightOne, kWeightOne});
  for (int i = 0; i < 4000; ++i) {
    shop.submit(0, 100);
    shop.submit(1, 100);
  }
  for (int i = 0; i < 4000; ++i) {
    const Flow* const next = shop.queue.first();
    shop.serve(next->tenant->tenant == 1 ? 300 : 100);  // the first uses three times its estimates
  }
  EXPECT_NEAR(shop.service[0] / shop.service[1], 1.0, 0.01);
}

TEST(FairQueue, WhatFailsIsGivenBack) {
  Shop shop({kWeightOne, kWeightOne});
  for (int i = 0; i < 3000; ++i) {
    shop.submit(0, 100);
    shop.submit(1, 100);
  }
  int failed = 0;
  for (int i = 0; i < 2000; ++i) {
    const bool fails = shop.queue.first()->tenant->tenant == 1 && ++failed % 2 == 0;
    shop.serve(fails ? 0 : 100);
  }
  EXPECT_NEAR(shop.service[0] / shop.service[1], 1.0, 0.01);
}

TEST(FairQueue, AParkedTenantHoldsNobodyUpAndComesBack) {
  Shop shop({kWeightOne, kWeightOne});
  for (int i = 0; i < 10; ++i) {
    shop.submit(0, 10);
    shop.submit(1, 10);
  }
  shop.tenants[0].parked = true;
  shop.queue.park(*shop.tenants[0].flows[0]);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(shop.serve(), 1u);
  shop.submit(0, 10);
  EXPECT_EQ(shop.serve(), 1u);
  shop.tenants[0].parked = false;
  shop.queue.unpark(*shop.tenants[0].flows[0]);
  int first = 0;
  for (int i = 0; i < 8; ++i) first += shop.serve() == 0 ? 1 : 0;
  EXPECT_NEAR(first, 4, 1);
}

// Memory is bounded by who waits, runs or is ahead, not by who was ever seen.
TEST(FairQueue, ForgetsWhoHasNothingToDo) {
  Shop shop(std::vector<uint32_t>(20'000, kWeightOne));
  for (size_t i = 0; i < 20'000; ++i) {
    shop.submit(i, 10);
    shop.submit((i + 1) % 20'000, 10);
    shop.serve();
    shop.serve();
  }
  EXPECT_LE(shop.queue.known(), 100u);
}

TEST(FairQueue, OldestIsWhoWaitsLongestOfAllTenants) {
  Shop shop({kWeightOne, 100 * kWeightOne});
  for (int i = 0; i < 50; ++i) {
    shop.submit(0, 10);
    shop.submit(1, 10);
  }
  while (shop.queue.first() != nullptr) {
    uint64_t least = UINT64_MAX;
    for (const TenantFlows& tenant : shop.tenants) {
      if (tenant.flows[0] != nullptr && !tenant.flows[0]->line.empty()) {
        least = std::min(least, tenant.flows[0]->line.front()->seq);
      }
    }
    ASSERT_EQ(shop.queue.oldest()->seq, least);
    shop.serve();
  }
}

}  // namespace
}  // namespace llmq::core
