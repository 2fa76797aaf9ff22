#include "provider/usage.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>

namespace llmq::provider {
namespace {

using core::kNotTold;

constexpr double kMostTokens = 1e15;  // exact in a double; sums of a few stay in 64 bits

// A token count: whole, not negative.
int64_t count_of(const cJSON* value) {
  if (cJSON_IsNumber(value) == 0) return kNotTold;
  const double number = value->valuedouble;
  return number >= 0 && number <= kMostTokens ? static_cast<int64_t>(std::floor(number)) : kNotTold;
}

int64_t count(const cJSON* object, const char* name) { return count_of(member(object, name)); }

// The first of several names that is told.
int64_t count(const cJSON* object, std::initializer_list<const char*> names) {
  for (const char* const name : names) {
    if (const int64_t told = count(object, name); told != kNotTold) return told;
  }
  return kNotTold;
}

int64_t told_or_zero(int64_t told) { return std::max<int64_t>(told, 0); }

int64_t sum_of_told(int64_t a, int64_t b) {
  return a == kNotTold && b == kNotTold ? kNotTold : told_or_zero(a) + told_or_zero(b);
}

// OpenAI chat and what is made like it. Cached tokens stand in one of three places.
UsageCounts of_chat(const cJSON* usage) {
  UsageCounts counts;
  counts.input = count(usage, "prompt_tokens");
  counts.output = count(usage, "completion_tokens");
  counts.total = count(usage, "total_tokens");
  counts.cached = count(member(usage, "prompt_tokens_details"), "cached_tokens");
  if (counts.cached == kNotTold) {
    counts.cached = count(usage, {"prompt_cache_hit_tokens", "cached_tokens"});
  }
  counts.reasoning = count(member(usage, "completion_tokens_details"), "reasoning_tokens");
  return counts;
}

// OpenAI Responses and Anthropic messages share names; only Anthropic's cache stands apart.
UsageCounts of_input_tokens(const cJSON* usage) {
  UsageCounts counts;
  counts.input = count(usage, "input_tokens");
  counts.output = count(usage, "output_tokens");
  counts.total = count(usage, "total_tokens");
  counts.cached = count(member(usage, "input_tokens_details"), "cached_tokens");
  counts.reasoning = count(member(usage, "output_tokens_details"), "reasoning_tokens");
  const int64_t read = count(usage, "cache_read_input_tokens");
  const int64_t written = count(usage, "cache_creation_input_tokens");
  counts.apart = sum_of_told(read, written);
  if (counts.apart != kNotTold) {
    counts.cache_is_free = true;
    counts.cached = read;
    counts.total = kNotTold;
  }
  return counts;
}

UsageCounts of_gemini(const cJSON* usage) {
  UsageCounts counts;
  counts.total = count(usage, "totalTokenCount");
  counts.input = count(usage, "promptTokenCount");
  // What is 0 is left out.
  if (counts.total != kNotTold) counts.input = told_or_zero(counts.input);
  if (counts.input == kNotTold) return counts;
  counts.apart = count(usage, "toolUsePromptTokenCount");
  counts.cached = count(usage, "cachedContentTokenCount");
  counts.output = told_or_zero(count(usage, "candidatesTokenCount"));
  counts.hidden = count(usage, "thoughtsTokenCount");
  counts.reasoning = counts.hidden;
  return counts;
}

UsageCounts of_bedrock(const cJSON* usage) {
  UsageCounts counts;
  counts.input = count(usage, "inputTokens");
  counts.output = count(usage, "outputTokens");
  counts.cached = count(usage, {"cacheReadInputTokens", "cacheReadInputTokenCount"});
  counts.apart = sum_of_told(counts.cached,
                             count(usage, {"cacheWriteInputTokens", "cacheWriteInputTokenCount"}));
  return counts;
}

// Cohere bills less than enters the model: what is billed counts only where nothing else is told.
UsageCounts of_cohere(const cJSON* usage) {
  const cJSON* tokens = member(usage, "tokens");
  if (tokens == nullptr) tokens = member(usage, "billed_units");
  UsageCounts counts;
  counts.input = count(tokens, "input_tokens");
  counts.output = count(tokens, "output_tokens");
  counts.cached = count(usage, "cached_tokens");
  counts.reasoning = count(tokens, "reasoning_tokens");
  return counts;
}

UsageCounts of_ollama(const cJSON* body) {
  UsageCounts counts;
  counts.output = count(body, "eval_count");
  counts.input = count(body, "prompt_eval_count");
  // Left out where the prompt was cached.
  if (counts.output != kNotTold) counts.input = told_or_zero(counts.input);
  return counts;
}

struct Shape {
  const char* mark;  // a member that only this shape has
  UsageCounts (*read)(const cJSON* usage);
};
constexpr Shape kShapes[] = {{"prompt_tokens", of_chat},
                             {"completion_tokens", of_chat},
                             {"input_tokens", of_input_tokens},
                             {"output_tokens", of_input_tokens},
                             {"inputTokens", of_bedrock},
                             {"outputTokens", of_bedrock},
                             {"tokens", of_cohere},
                             {"billed_units", of_cohere},
                             {"total_tokens", of_chat}};

// What an event or answer holds its usage in.
const cJSON* usage_object(const cJSON* body) {
  for (const char* const holder : {"", "x_groq", "message", "response", "delta", "metadata"}) {
    const cJSON* const from = *holder == '\0' ? body : member(body, holder);
    if (const cJSON* const usage = member(from, "usage"); cJSON_IsObject(usage) != 0) return usage;
  }
  return member(body, "meta");  // of Cohere's embeddings
}

}  // namespace

bool UsageCounts::any() const { return input != kNotTold || output != kNotTold; }

void UsageCounts::replace(const UsageCounts& newer) {
  for (int64_t UsageCounts::*const one :
       {&UsageCounts::input, &UsageCounts::apart, &UsageCounts::cached, &UsageCounts::output,
        &UsageCounts::hidden, &UsageCounts::reasoning, &UsageCounts::total}) {
    if (newer.*one != kNotTold) this->*one = newer.*one;
  }
  cache_is_free = cache_is_free || newer.cache_is_free;
}

UsageCounts read_usage(const cJSON* body) {
  if (const cJSON* const usage = member(body, "usageMetadata"); usage != nullptr) {
    return of_gemini(usage);
  }
  if (member(body, "eval_count") != nullptr || member(body, "prompt_eval_count") != nullptr) {
    return of_ollama(body);
  }
  const cJSON* const usage = usage_object(body);
  for (const Shape& shape : kShapes) {
    if (member(usage, shape.mark) != nullptr) return shape.read(usage);
  }
  return {};
}

bool is_complete(const UsageCounts& counts, bool embeddings) {
  if (embeddings) return counts.input != kNotTold || counts.total != kNotTold;
  const bool output_told = counts.output != kNotTold ||
                           (counts.total != kNotTold && counts.total >= told_or_zero(counts.input));
  return counts.input != kNotTold && output_told;
}

core::Usage total_usage(const UsageCounts& counts) {
  core::Usage usage;
  const bool only_total = counts.input == kNotTold && counts.output == kNotTold;
  usage.input_tokens =
      only_total ? told_or_zero(counts.total) : sum_of_told(counts.input, counts.apart);
  usage.input_tokens = told_or_zero(usage.input_tokens);
  // Some gateways leave hidden reasoning out of the output, none out of the total.
  usage.output_tokens = std::max(told_or_zero(sum_of_told(counts.output, counts.hidden)),
                                 told_or_zero(counts.total) - usage.input_tokens);
  usage.output_tokens = told_or_zero(usage.output_tokens);
  // Seen in the wild: more cached tokens than there was prompt.
  usage.cached_input_tokens = std::clamp<int64_t>(counts.cached, 0, usage.input_tokens);
  usage.reasoning_tokens = std::clamp<int64_t>(counts.reasoning, 0, usage.output_tokens);
  return usage;
}

}  // namespace llmq::provider
