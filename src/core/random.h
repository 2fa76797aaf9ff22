// The only randomness of the core: a seeded generator with integer draws, the same on every
// platform. SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
#ifndef LLMQ_CORE_RANDOM_H_
#define LLMQ_CORE_RANDOM_H_

#include <cstdint>

namespace llmq::core {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }

  // Uniform in [low, high]; low if the range is empty.
  int64_t between(int64_t low, int64_t high) {
    if (high <= low) return low;
    const uint64_t span = static_cast<uint64_t>(high) - static_cast<uint64_t>(low) + 1;
    if (span == 0) return static_cast<int64_t>(next());
    return low + static_cast<int64_t>(next() % span);  // bias below 2^-20 for the spans used here
  }

 private:
  uint64_t state_;
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_RANDOM_H_
