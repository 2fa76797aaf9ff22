#include "tests/sim/findings.h"

#include <cstdarg>
#include <cstdio>

namespace llmq::simulator {

void Findings::add(int invariant, int64_t now, const char* format, ...) {
  ++total_;
  char words[400];
  va_list list;
  va_start(list, format);
  (void)std::vsnprintf(words, sizeof words, format, list);
  va_end(list);
  count(invariant, now, words);
  for (int i = 0; i < kInvariants; ++i) {
    if (also_[static_cast<size_t>(i)] && i != invariant) count(i, now, words);
  }
}

void Findings::count(int invariant, int64_t now, const char* words) {
  if (++counts_[static_cast<size_t>(invariant)] > kTextsOfEach) return;
  char line[500];
  (void)std::snprintf(line, sizeof line, "I%d at %lld.%09lld s: %s", invariant,
                      static_cast<long long>(now / 1'000'000'000),
                      static_cast<long long>(now % 1'000'000'000), words);
  texts_.emplace_back(line);
}

void Findings::add_counts(const Findings& other) {
  total_ += other.total_;
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
}

}  // namespace llmq::simulator
