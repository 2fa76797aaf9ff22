// What the name of a rate-limit header says.
#ifndef LLMQ_PROVIDER_LIMIT_HEADER_NAME_H_
#define LLMQ_PROVIDER_LIMIT_HEADER_NAME_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/time.h"

namespace llmq::provider {

// What a limit counts; the last ones have no kind in the core.
enum class Counted : uint8_t {
  kRequests,
  kTokens,
  kInputTokens,
  kOutputTokens,
  kUncachedInputTokens,
  kInputImages,
  kUnified,  // shares of a subscription
};
const char* counted_name(Counted counted);  // "input_tokens"

// Whose limit: one apart from the account's own counts beside it.
enum class Scope : uint8_t { kAccount, kProject, kFast, kPriority };
const char* scope_name(Scope scope);  // "project"; "" for the account

enum class LimitField : uint8_t { kLimit, kRemaining, kReset, kRenewal };

struct LimitHeaderName {
  Counted counted = Counted::kRequests;
  core::DurationNs period{};  // 0 = the name does not tell it
  Scope scope = Scope::kAccount;
  LimitField field = LimitField::kLimit;
};

// Names are, in any case:
//   x-ratelimit-FIELD, x-rate-limit-FIELD, ratelimit-FIELD: of requests
//   x-ratelimit-FIELD-[project-]COUNTED[-PERIOD], x-rate-limit-FIELD-...: PERIOD as in minute,
//   10-second anthropic-ratelimit-COUNTED-FIELD, anthropic-fast-COUNTED-FIELD,
//   anthropic-priority-... and the few of Mistral (2024), Cohere and Together that follow no
//   pattern.
std::optional<LimitHeaderName> read_limit_header_name(std::string_view name);

}  // namespace llmq::provider

#endif  // LLMQ_PROVIDER_LIMIT_HEADER_NAME_H_
