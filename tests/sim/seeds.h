// Many seeds, each a world of its own, on as many threads as there are processors.
#ifndef LLMQ_TESTS_SIM_SEEDS_H_
#define LLMQ_TESTS_SIM_SEEDS_H_

#include <cstdint>
#include <string>
#include <thread>

namespace llmq::simulator {

struct Seeds {
  uint64_t first = 1;
  uint64_t count = 200;
  double seconds = 0;   // 0: as long as it takes
  bool oracle = false;  // every seed, not each twentieth
  uint64_t jobs = std::thread::hardware_concurrency();
  std::string json;  // what comes out, to this file

  bool has_oracle(uint64_t seed) const { return oracle || seed % 20 == 0; }
};

// Runs them all and says what came of it: 0 if nothing was violated.
int run_seeds(const Seeds& seeds);

}  // namespace llmq::simulator

#endif  // LLMQ_TESTS_SIM_SEEDS_H_
