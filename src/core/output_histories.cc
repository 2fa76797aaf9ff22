#include "core/output_histories.h"

#include <algorithm>
#include <utility>

namespace llmq::core {

OutputHistory& OutputHistories::history(size_t kind) {
  if (histories_ == nullptr) histories_ = std::make_unique<Histories>();
  std::unique_ptr<OutputHistory>& history = (*histories_)[kind];
  if (history != nullptr) return *history;
  std::unique_ptr<OutputLog>& log = logs_[kind];
  history = log == nullptr ? std::make_unique<OutputHistory>()
                           : std::make_unique<OutputHistory>(std::move(*log));
  log = nullptr;
  return *history;
}

const OutputLog& OutputHistories::log(size_t kind) const {
  return logs_[kind] != nullptr ? *logs_[kind] : (*histories_)[kind]->log();
}

void OutputHistories::add(const Request& request, int64_t tokens, int64_t paced, DurationNs took,
                          bool projects) {
  const size_t kind = kind_of(request);
  const bool is_history = histories_ != nullptr && (*histories_)[kind] != nullptr;
  if (projects || is_history) {
    history(kind).add(tokens, paced, took);
  } else {
    if (logs_[kind] == nullptr) logs_[kind] = std::make_unique<OutputLog>(kRecent);
    logs_[kind]->push(OutputHistory::output_of(tokens, paced, took));
  }
  Recent& recent = recent_[kind / kSizes];
  recent.sizes[recent.count % kRecent] = static_cast<uint8_t>(kind % kSizes);
  // It may go on for ever: from kRecent on only its place in the ring matters.
  if (++recent.count == 2 * kRecent) recent.count = kRecent;
}

int64_t OutputHistories::p95(const Request& like) const {
  const size_t own_class = class_of(like);
  const Recent& recent = recent_[own_class];
  const size_t known = std::min<size_t>(recent.count, kRecent);
  if (known < kLeast) return kUnknown;
  std::array<uint32_t, kRecent> tokens{};
  std::array<uint8_t, kSizes> taken{};
  for (size_t i = 0; i < known; ++i) {
    const size_t size = recent.sizes[(recent.count - 1 - i) % kRecent];
    tokens[i] = log(own_class * kSizes + size).last(taken[size]++).tokens;
  }
  const size_t rank = (known * 95 + 99) / 100 - 1;
  std::nth_element(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(rank),
                   tokens.begin() + static_cast<std::ptrdiff_t>(known));
  return tokens[rank];
}

}  // namespace llmq::core
