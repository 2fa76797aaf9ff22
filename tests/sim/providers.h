// How providers count a limit: five ways, written from their descriptions, in integers, exact. They
// share nothing with src/core, so that a mistake there cannot hide here.
#ifndef LLMQ_TESTS_SIM_PROVIDERS_H_
#define LLMQ_TESTS_SIM_PROVIDERS_H_

#include <cstdint>
#include <vector>

namespace llmq::simulator {

enum class Algorithm : uint8_t {
  kFixed,      // P1: N per window of a grid
  kSliding,    // P2: N in any window
  kBucket,     // P3: holds `burst`, refills N per T
  kQuantised,  // P4: N * slice / T per slice of a grid
  kTwoBucket,  // P5: last window's count weighted by its overlap, plus this window's
};
const char* algorithm_name(Algorithm algorithm);

struct Rule {
  Algorithm algorithm = Algorithm::kSliding;
  int64_t amount = 0;
  int64_t period = 0;  // ns
  int64_t burst = 0;   // bucket
  int64_t slice = 0;   // quantised
  int64_t phase = 0;   // where the grid begins: 0 .. period - 1
};

class Counter {
 public:
  explicit Counter(const Rule& rule);

  // Would `cost` be accepted at `now`? Times never decrease.
  bool fits(int64_t now, int64_t cost);
  // Counts it, whether it fits or not. The result names the entry.
  uint64_t add(int64_t now, int64_t cost);
  // The entry counts `is` instead of `was`, where and while it counts.
  void correct(int64_t now, uint64_t entry, int64_t was, int64_t is);
  // How long until `cost` would fit, at least; 0 if it fits.
  int64_t wait(int64_t now, int64_t cost);
  // As a header would tell it; never negative.
  int64_t remaining(int64_t now);
  // What counts at `now`, comparable with amount() but for buckets, where it is what is missing.
  int64_t used(int64_t now);
  // Of a bucket: is used() at least, or at most, so much? Without a division.
  bool misses_at_least(int64_t now, int64_t amount) {
    return missing(now) > static_cast<Wide>(amount - 1) * rule_.period;
  }
  bool misses_at_most(int64_t now, int64_t amount) {
    return missing(now) <= static_cast<Wide>(amount) * rule_.period;
  }

  void set_amount(int64_t now, int64_t amount);
  const Rule& rule() const { return rule_; }
  // The most that is ever accepted at once.
  int64_t capacity() const;

 private:
  struct Entry {
    int64_t at;
    int64_t cost;
  };

  __extension__ using Wide = __int128;

  void move_to(int64_t now);
  Wide missing(int64_t now) {
    move_to(now);
    return static_cast<Wide>(rule_.burst) * rule_.period - level_;
  }
  int64_t grid() const {
    return rule_.algorithm == Algorithm::kQuantised ? rule_.slice : rule_.period;
  }
  uint64_t window_of(int64_t now) const {
    return static_cast<uint64_t>((now + rule_.phase) / grid());
  }

  Rule rule_;
  // grids
  uint64_t window_ = 0;
  int64_t window_end_ = 0;
  int64_t now_count_ = 0;
  int64_t last_count_ = 0;  // of the window before
  // bucket: level in units of 1 / period of a token, so that a nanosecond brings `amount` of them
  Wide level_ = 0;
  int64_t at_ = 0;
  // sliding
  std::vector<Entry> ring_;
  uint64_t head_ = 0;
  uint64_t tail_ = 0;
  int64_t sum_ = 0;
};

}  // namespace llmq::simulator

#endif  // LLMQ_TESTS_SIM_PROVIDERS_H_
