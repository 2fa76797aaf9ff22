#include "runtime/history.h"

#include <gtest/gtest.h>

namespace llmq::runtime {
namespace {

constexpr core::DurationNs kAge = core::seconds(10);

std::atomic<uint8_t> state{0};

Summary summary(uint64_t id, core::ModelIndex model = 0) {
  Summary s;
  s.id = id;
  s.model = model;
  s.usage.input_tokens = static_cast<int64_t>(id);
  return s;
}

void keep(History& history, uint64_t id, int64_t finished_s) {
  Summary s = summary(id);
  s.state = core::State::kCompleted;
  s.finished = core::TimeNs{core::seconds(finished_s).ns};
  ASSERT_NE(history.make_place(id, s.finished), nullptr);
  history.keep(s, state);
}

TEST(History, APlaceIsNoResponseYet) {
  History history(10, 10, kAge, nullptr);
  ASSERT_NE(history.make_place(7, core::TimeNs{1}), nullptr);
  EXPECT_FALSE(history.find(7).has_value());
  EXPECT_EQ(history.take(7, core::TimeNs{2}), nullptr);
  history.drop_place(7);
  keep(history, 7, 1);
  EXPECT_EQ(state, static_cast<uint8_t>(core::State::kCompleted));
  EXPECT_NE(history.take(7, core::TimeNs{core::seconds(2).ns}), nullptr);
}

TEST(History, KeepsTheLastOfEachModel) {
  History history(100, 10, kAge, nullptr);
  std::vector<Summary> all;
  for (uint64_t id = 1; id <= 1000; ++id)
    all.push_back(summary(id, static_cast<core::ModelIndex>(id % 3)));
  history.add(all);
  for (uint64_t id = 1; id <= 1000; ++id) {
    const bool last = id > 1000 - 300;
    ASSERT_EQ(history.find(id).has_value(), last) << id;
    if (last) {
      EXPECT_EQ(history.find(id)->usage.input_tokens, static_cast<int64_t>(id));
    }
  }
  EXPECT_FALSE(history.find(12345).has_value());
}

TEST(History, OfLengthZeroKeepsNothing) {
  History history(0, 10, kAge, nullptr);
  history.add({summary(1)});
  EXPECT_FALSE(history.find(1).has_value());
}

TEST(History, AKeptResponseLeavesOnce) {
  History history(10, 10, kAge, nullptr);
  keep(history, 7, 1);
  const core::TimeNs now{core::seconds(2).ns};
  ASSERT_NE(history.take(7, now), nullptr);
  EXPECT_EQ(history.take(7, now), nullptr);
}

TEST(History, KeptResponsesAreBoundedByNumberAndAge) {
  History history(10, 2, kAge, nullptr);
  for (uint64_t id = 1; id <= 3; ++id) keep(history, id, 1);
  EXPECT_EQ(history.take(1, core::TimeNs{core::seconds(1).ns}), nullptr) << "the oldest went";
  EXPECT_NE(history.take(2, core::TimeNs{core::seconds(10).ns}), nullptr);
  EXPECT_EQ(history.take(3, core::TimeNs{core::seconds(12).ns}), nullptr) << "too old";
}

TEST(History, UsageMayComeLater) {
  History history(10, 10, kAge, nullptr);
  history.add({summary(5)});
  core::Usage usage;
  usage.output_tokens = 9;
  history.set_usage(5, usage);
  EXPECT_TRUE(history.find(5)->usage_known);
  EXPECT_EQ(history.find(5)->usage.output_tokens, 9);
  history.set_usage(6, usage);  // unknown: ignored
}

}  // namespace
}  // namespace llmq::runtime
