// What the checks found: counted by invariant (algorithms: I1 .. I18), the first ones in words.
#ifndef LLMQ_TESTS_SIM_FINDINGS_H_
#define LLMQ_TESTS_SIM_FINDINGS_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/printf_form.h"

namespace llmq::simulator {

inline constexpr int kInvariants = 19;

class Findings {
 public:
  __attribute__((noinline, cold, format(LLMQ_TEST_PRINTF, 4, 5))) void add(int invariant,
                                                                           int64_t now,
                                                                           const char* format, ...);
  // From now on what is found speaks against this invariant too: it says that the others hold in
  // certain circumstances.
  void also(int invariant) { also_[static_cast<size_t>(invariant)] = true; }
  uint64_t total() const { return total_; }
  uint64_t of(int invariant) const { return counts_[static_cast<size_t>(invariant)]; }
  const std::vector<std::string>& texts() const { return texts_; }
  void add_counts(const Findings& other);

 private:
  static constexpr uint64_t kTextsOfEach = 2;
  void count(int invariant, int64_t now, const char* words);

  std::array<uint64_t, kInvariants> counts_{};
  std::array<bool, kInvariants> also_{};
  uint64_t total_ = 0;
  std::vector<std::string> texts_;
};

}  // namespace llmq::simulator

#endif  // LLMQ_TESTS_SIM_FINDINGS_H_
