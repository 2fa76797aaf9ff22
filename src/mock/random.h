// Seeded numbers that are the same on every platform (the standard's distributions are not).
#ifndef LLMQ_MOCK_RANDOM_H_
#define LLMQ_MOCK_RANDOM_H_

#include <cstdint>
#include <string_view>

namespace llmq::mock {

// Spreads every input bit over the whole result (the finaliser of SplitMix64).
constexpr uint64_t mix_bits(uint64_t x) {
  x ^= x >> 30U;
  x *= 0xbf58476d1ce4e5b9ULL;
  x ^= x >> 27U;
  x *= 0x94d049bb133111ebULL;
  return x ^ (x >> 31U);
}

// FNV-1a, 64 bits.
constexpr uint64_t hash_bytes(std::string_view bytes) {
  uint64_t hash = 0xcbf29ce484222325ULL;
  for (char byte : bytes) {
    hash ^= static_cast<unsigned char>(byte);
    hash *= 0x100000001b3ULL;
  }
  return hash;
}

// SplitMix64: one word of state, good enough for faults, delays and made-up words.
class Random {
 public:
  explicit constexpr Random(uint64_t seed) : state_(seed) {}

  constexpr uint64_t next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    return mix_bits(state_);
  }

  // In [0, 1).
  constexpr double uniform() { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }

  // In [low, high], both included. The bias of the modulo is below 2^-32 for spans below 2^32.
  constexpr int64_t between(int64_t low, int64_t high) {
    const uint64_t span = static_cast<uint64_t>(high - low) + 1;
    return low + static_cast<int64_t>(next() % span);
  }

 private:
  uint64_t state_;
};

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_RANDOM_H_
