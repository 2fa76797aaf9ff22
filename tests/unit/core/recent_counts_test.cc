#include "core/policy/recent_counts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "core/random.h"

namespace llmq::core {
namespace {

using Counts = RecentCounts<2>;

int64_t bucket_of(TimeNs time) { return time.ns / Counts::kBucket.ns; }

// Everything that was counted, with the time of each.
struct Oracle {
  std::vector<std::pair<TimeNs, size_t>> all;

  int64_t sum(TimeNs now, size_t kind) const {
    return std::count_if(all.begin(), all.end(), [&](const auto& one) {
      return one.second == kind && bucket_of(one.first) > bucket_of(now) - Counts::kBuckets;
    });
  }
  TimeNs next_forgotten(TimeNs now, size_t kind) const {
    TimeNs first = kNever;
    for (const auto& [time, its_kind] : all) {
      if (its_kind != kind || bucket_of(time) <= bucket_of(now) - Counts::kBuckets) continue;
      first = std::min(first, TimeNs{(bucket_of(time) + Counts::kBuckets) * Counts::kBucket.ns});
    }
    return first;
  }
};

TEST(RecentCounts, AgreeWithOneThatRemembersEverything) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    Random random(seed);
    Counts counts;
    Oracle oracle;
    TimeNs now{seed % 2 == 0 ? random.between(0, 100) : random.between(0, int64_t{1} << 60)};
    for (int i = 0; i < 400; ++i) {
      now = now + DurationNs{random.between(
                      0, random.between(0, 20) == 0 ? 90'000'000'000 : 3'000'000'000)};
      const auto kind = static_cast<size_t>(random.between(0, 1));
      if (random.between(0, 3) > 0 || oracle.all.empty()) {
        counts.add(now, kind);
        oracle.all.emplace_back(now, kind);
      } else {
        const auto at = random.between(0, static_cast<int64_t>(oracle.all.size()) - 1);
        const auto one = oracle.all[static_cast<size_t>(at)];
        counts.take_back(now, one.first, one.second);
        oracle.all.erase(oracle.all.begin() + at);
      }
      for (const size_t each : {size_t{0}, size_t{1}}) {
        ASSERT_EQ(counts.sum(now, each), oracle.sum(now, each)) << "seed " << seed;
        ASSERT_EQ(counts.next_forgotten(now, each), oracle.next_forgotten(now, each));
      }
    }
  }
}

}  // namespace
}  // namespace llmq::core
