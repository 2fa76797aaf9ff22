// The numbers in the words of a 429.
#ifndef LLMQ_PROVIDER_LIMIT_WORDS_H_
#define LLMQ_PROVIDER_LIMIT_WORDS_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace llmq::provider {

// "Limit 500000, Used 442231, Requested ~249686": what the words say of a limit, as far as they do.
struct LimitWords {
  std::optional<int64_t> limit;
  std::optional<int64_t> used;  // or "Current"
  std::optional<int64_t> requested;
};

// Numbers may carry commas, a colon or a tilde before them and decimals behind, which are dropped.
LimitWords read_limit_words(std::string_view message);

}  // namespace llmq::provider

#endif  // LLMQ_PROVIDER_LIMIT_WORDS_H_
