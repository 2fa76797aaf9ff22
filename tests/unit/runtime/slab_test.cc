#include "runtime/slab.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

namespace llmq::runtime {
namespace {

struct Record {
  uint32_t slot = 0;
  Record* next_free = nullptr;
};

TEST(Slab, RecordsAreDistinctAndFoundByTheirSlot) {
  Slab<Record> slab(nullptr);
  std::set<Record*> seen;
  for (int i = 0; i < 5000; ++i) {
    Record* record = slab.take();
    ASSERT_NE(record, nullptr);
    EXPECT_TRUE(seen.insert(record).second);
    EXPECT_EQ(slab.at(record->slot), record);
  }
  EXPECT_EQ(slab.at(Slab<Record>::kMaxSlots), nullptr);
  EXPECT_EQ(slab.at(Slab<Record>::kMaxSlots - 1), nullptr) << "never used";
  for (Record* record : seen) EXPECT_FALSE(slab.give_back(record));
}

TEST(Slab, GivenBackRecordsAreUsedAgain) {
  Slab<Record> slab(nullptr);
  uint32_t highest = 0;
  for (int i = 0; i < 100'000; ++i) {
    Record* record = slab.take();
    highest = std::max(highest, record->slot);
    slab.give_back(record);
  }
  EXPECT_LT(highest, 1024U);
}

TEST(Slab, ThreadsThatTakeAndThreadsThatGiveBackMeet) {
  Slab<Record> slab(nullptr);
  constexpr int kRounds = 50;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<Record*> taken;
    std::thread taker([&] {
      for (int i = 0; i < 500; ++i) taken.push_back(slab.take());
    });
    taker.join();
    std::thread giver([&] {
      for (Record* record : taken) slab.give_back(record);
    });
    giver.join();
  }
  Record* record = slab.take();
  EXPECT_LT(record->slot, 8 * 1024U) << "records must travel back to the takers";
  slab.give_back(record);
}

TEST(Slab, TheLastRecordOfAnOrphanSaysSo) {
  Slab<Record> slab(nullptr);
  Record* a = slab.take();
  Record* b = slab.take();
  EXPECT_FALSE(slab.orphan());
  EXPECT_FALSE(slab.give_back(a));
  EXPECT_TRUE(slab.give_back(b));
  Slab<Record> empty(nullptr);
  EXPECT_TRUE(empty.orphan());
}

}  // namespace
}  // namespace llmq::runtime
