// How providers speak of a limit in prose.
#ifndef LLMQ_MOCK_LIMIT_WORDS_H_
#define LLMQ_MOCK_LIMIT_WORDS_H_

#include <string>

#include "mock/account.h"

namespace llmq::mock {

bool is_of_tokens(LimitKind kind);

// What is used as a refusal says it: not below 0.
int64_t used_of(const Refusal& refusal);

// "requests per min (RPM)" where OpenAI has a word for it, "requests per 6s" where it has none.
std::string dimension_of(const Refusal& refusal);

// "minute", "day", or "6s" where there is no word.
std::string period_word(Nanos period);

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_LIMIT_WORDS_H_
