#include "core/queue/index_heap.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <tuple>
#include <vector>

#include "core/random.h"

namespace llmq::core {
namespace {

TEST(IndexHeap, AgreesWithASortedSet) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    IndexHeap heap;
    std::set<std::tuple<uint64_t, uint32_t>> sorted;
    std::vector<uint64_t> keys(200);
    for (int step = 0; step < 5000; ++step) {
      const auto id = static_cast<uint32_t>(random.between(0, 199));
      const uint64_t key = static_cast<uint64_t>(random.between(0, 1'000'000'000)) * 256 + id;
      if (!heap.contains(id)) {
        heap.insert(id, key);
      } else {
        sorted.erase({keys[id], id});
        if (random.between(0, 1) == 0) {
          heap.remove(id);
          continue;
        }
        heap.change(id, key);
      }
      keys[id] = key;
      sorted.insert({key, id});
      ASSERT_EQ(heap.size(), sorted.size());
      ASSERT_EQ(heap.top().key, std::get<0>(*sorted.begin()));
      ASSERT_EQ(heap.top().id, std::get<1>(*sorted.begin()));
    }
  }
}

TEST(IndexHeap, EqualKeysComeInTheOrderOfInsertion) {
  IndexHeap heap;
  for (uint32_t id = 0; id < 100; ++id) heap.insert((id * 37) % 100, 5);
  for (uint32_t i = 0; i < 100; ++i) {
    ASSERT_EQ(heap.top().id, (i * 37) % 100);
    heap.remove(heap.top().id);
  }
  EXPECT_TRUE(heap.empty());
}

TEST(IndexHeap, KeysMayWrap) {
  IndexHeap heap;
  heap.insert(0, 10);
  heap.insert(1, UINT64_MAX - 10);
  EXPECT_EQ(heap.top().id, 1u) << "21 earlier";
  heap.change(1, 20);
  EXPECT_EQ(heap.top().id, 0u);
}

}  // namespace
}  // namespace llmq::core
