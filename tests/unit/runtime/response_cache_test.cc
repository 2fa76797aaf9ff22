// The cache against a naive oracle: a list that is searched from end to end.
#include "runtime/response_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>

#include "core/random.h"

namespace llmq::runtime {
namespace {

using core::Random;
using core::TimeNs;

struct Text {
  core::ModelIndex model = 0;
  core::TenantIndex tenant = 0;
  uint8_t operation = 0;
  bool streams = false;
  std::string dedup_key;
  std::string wire_model;
  std::string payload;

  CallKey key() const {
    // Few hashes: collisions must do no harm.
    return {model,     tenant,     operation, streams,
            dedup_key, wire_model, payload,   call_hash(dedup_key, payload) % 3};
  }
};

CachedAnswer answer_of(std::string text) {
  CachedAnswer answer;
  answer.data = std::move(text);
  return answer;
}

TEST(ResponseCache, KeepsApartWhateverDiffers) {
  ResponseCache cache(1 << 20);
  const Text base{1, 1, 1, false, "k", "w", "p"};
  cache.put(base.key(), TimeNs{100}, answer_of("it"));
  ASSERT_NE(cache.find(base.key(), TimeNs{99}), nullptr);
  EXPECT_EQ(cache.find(base.key(), TimeNs{99})->data, "it");
  Text other = base;
  other.model = 2;
  EXPECT_EQ(cache.find(other.key(), TimeNs{0}), nullptr);
  other = base;
  other.tenant = 2;
  EXPECT_EQ(cache.find(other.key(), TimeNs{0}), nullptr);
  other = base;
  other.operation = 2;
  EXPECT_EQ(cache.find(other.key(), TimeNs{0}), nullptr);
  other = base;
  other.streams = true;
  EXPECT_EQ(cache.find(other.key(), TimeNs{0}), nullptr);
  for (const auto& [dedup, wire, payload] :
       {std::array<const char*, 3>{"kw", "", "p"}, {"k", "wp", ""}, {"", "kw", "p"}}) {
    Text moved = base;
    moved.dedup_key = dedup;
    moved.wire_model = wire;
    moved.payload = payload;
    CallKey key = moved.key();
    key.hash = base.key().hash;
    EXPECT_EQ(cache.find(key, TimeNs{0}), nullptr) << "texts that look alike when joined";
  }
  EXPECT_EQ(cache.find(base.key(), TimeNs{100}), nullptr) << "its time is over";
  EXPECT_EQ(cache.counts().entries, 0u);
  EXPECT_EQ(cache.counts().bytes, 0u);
}

TEST(ResponseCache, CountsAllThatAnEntryHolds) {
  ResponseCache cache(1 << 20);
  const Text text{0, 0, 0, true, "k", "", std::string(1000, 'p')};
  CachedAnswer answer = answer_of(std::string(2000, 'd'));
  answer.provider_request_id = std::string(100, 'i');
  answer.pieces.push_back(Piece{std::string(3000, 'c'), 1});
  cache.put(text.key(), TimeNs{1}, std::move(answer));
  EXPECT_GT(cache.counts().bytes, 1000u + 2000 + 100 + 3000);
  EXPECT_LT(cache.counts().bytes, 1000u + 2000 + 100 + 3000 + 1000);
  cache.drop_model(1);
  EXPECT_EQ(cache.counts().entries, 1u);
  cache.drop_model(0);
  EXPECT_EQ(cache.counts().entries, 0u);
  EXPECT_EQ(cache.counts().bytes, 0u);
}

TEST(ResponseCache, WithoutRoomKeepsNothing) {
  ResponseCache cache(0);
  const Text text{};
  cache.put(text.key(), TimeNs{1}, answer_of("x"));
  EXPECT_EQ(cache.find(text.key(), TimeNs{0}), nullptr);
}

// Asked for last first, as the cache has to keep them.
struct Oracle {
  struct Entry {
    std::string name;
    std::string data;
    TimeNs expires;
    uint64_t bytes;
  };
  std::deque<Entry> entries;
  uint64_t bytes = 0;

  auto find(const std::string& name) {
    return std::find_if(entries.begin(), entries.end(),
                        [&name](const Entry& entry) { return entry.name == name; });
  }
  void drop(std::deque<Entry>::iterator entry) {
    bytes -= entry->bytes;
    entries.erase(entry);
  }
};

TEST(ResponseCache, I17_AsANaiveListUnderABound) {
  constexpr uint64_t kMost = 8000;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    Random random(seed);
    ResponseCache cache(kMost);
    ResponseCache scale(1 << 30);  // tells what an entry takes
    Oracle oracle;
    TimeNs now{1};
    for (int i = 0; i < 3000; ++i) {
      SCOPED_TRACE("seed " + std::to_string(seed) + " step " + std::to_string(i));
      now.ns += random.between(0, 3);
      Text text;
      text.model = static_cast<core::ModelIndex>(random.between(0, 1));
      text.dedup_key = std::to_string(random.between(0, 20));
      const std::string name = std::to_string(text.model) + "/" + text.dedup_key;
      const auto known = oracle.find(name);
      if (random.between(0, 2) > 0) {
        const CachedAnswer* const found = cache.find(text.key(), now);
        const bool expected = known != oracle.entries.end() && known->expires > now;
        ASSERT_EQ(found != nullptr, expected);
        if (found != nullptr) {
          ASSERT_EQ(found->data, known->data);
          const Oracle::Entry entry = *known;
          oracle.entries.erase(known);
          oracle.entries.push_front(entry);
        } else if (known != oracle.entries.end()) {
          oracle.drop(known);
        }
      } else if (random.between(0, 200) == 0) {
        cache.drop_model(text.model);
        for (auto one = oracle.entries.begin(); one != oracle.entries.end();) {
          if (one->name.front() != '0' + static_cast<char>(text.model)) {
            ++one;
            continue;
          }
          oracle.bytes -= one->bytes;
          one = oracle.entries.erase(one);
        }
      } else {
        if (known != oracle.entries.end()) oracle.drop(known);
        const std::string data(static_cast<size_t>(random.between(0, 3000)),
                               static_cast<char>('a' + i % 26));
        const uint64_t before = scale.counts().bytes;
        scale.put(text.key(), TimeNs{1}, answer_of(data));
        const uint64_t bytes = scale.counts().bytes - before;
        scale.drop_model(text.model);
        const TimeNs expires{now.ns + random.between(1, 60)};
        cache.put(text.key(), expires, answer_of(data));
        while (oracle.bytes + bytes > kMost) oracle.drop(std::prev(oracle.entries.end()));
        oracle.entries.push_front({name, data, expires, bytes});
        oracle.bytes += bytes;
      }
      ASSERT_EQ(cache.counts().bytes, oracle.bytes);
      ASSERT_EQ(cache.counts().entries, oracle.entries.size());
      ASSERT_LE(cache.counts().bytes, kMost) << "I17";
    }
    EXPECT_GT(cache.counts().hits, 100u);
    EXPECT_GT(cache.counts().evicted, 100u);
  }
}

}  // namespace
}  // namespace llmq::runtime
