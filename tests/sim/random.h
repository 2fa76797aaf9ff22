// The simulator's own seeded draws: integers only, so that a seed means the same everywhere.
#ifndef LLMQ_TESTS_SIM_RANDOM_H_
#define LLMQ_TESTS_SIM_RANDOM_H_

#include <algorithm>
#include <cstdint>

namespace llmq::simulator {

// xorshift64* (Vigna 2016), its state made from the seed by one round of a finaliser.
class Draw {
 public:
  explicit Draw(uint64_t seed) {
    uint64_t z = seed + 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    state_ = (z ^ (z >> 31)) | 1;
  }

  uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1dULL;
  }

  // 0 .. n - 1.
  int64_t below(int64_t n) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<int64_t>((static_cast<Wide>(next()) * static_cast<uint64_t>(n)) >> 64);
  }
  int64_t between(int64_t low, int64_t high) { return low + below(high - low + 1); }
  bool chance(int64_t per_million) { return per_million > 0 && below(1'000'000) < per_million; }
  // Small values often, large ones seldom: uniform within an octave, the octave uniform.
  int64_t skewed(int64_t low, int64_t high) {
    const uint64_t ratio = static_cast<uint64_t>(low == 1 ? high : high / low);
    const int octaves = std::min(63 - __builtin_clzll(ratio), 40);
    const int64_t from = low << below(octaves + 1);
    const int64_t to = 2 * from - 1 < high ? 2 * from - 1 : high;
    return between(from, to);
  }
  template <typename T, int64_t kCount>
  T pick(const T (&choices)[kCount]) {
    return choices[below(kCount)];
  }

 private:
  uint64_t state_;
};

}  // namespace llmq::simulator

#endif  // LLMQ_TESTS_SIM_RANDOM_H_
