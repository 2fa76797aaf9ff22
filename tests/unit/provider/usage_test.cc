#include "provider/usage.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "provider/json.h"

namespace llmq::provider {
namespace {

struct Row {
  const char* body;
  int64_t input;
  int64_t output;
  int64_t cached;
  int64_t reasoning;
};

TEST(Usage, IsReadInEveryShape) {
  const Row rows[] = {
      // OpenAI chat, and those that say more or less of the cache
      {R"({"usage":{"prompt_tokens":20,"completion_tokens":18,"total_tokens":38,
          "prompt_tokens_details":{"cached_tokens":8},
          "completion_tokens_details":{"reasoning_tokens":5}}})",
       20, 18, 8, 5},
      {R"({"usage":{"prompt_tokens":144,"completion_tokens":28,"prompt_tokens_details":null}})",
       144, 28, 0, -1},
      {R"({"usage":{"prompt_tokens":208,"completion_tokens":27,
          "prompt_tokens_details":{"cached_tokens":314}}})",
       208, 27, 208, -1},
      {R"({"usage":{"prompt_tokens":14,"completion_tokens":9,"prompt_cache_hit_tokens":6,
          "prompt_cache_miss_tokens":8}})",
       14, 9, 6, -1},
      {R"({"usage":{"prompt_tokens":41,"completion_tokens":15,"cached_tokens":40}})", 41, 15, 40,
       -1},
      {R"({"x_groq":{"usage":{"prompt_tokens":18,"completion_tokens":73,"queue_time":0.3}}})", 18,
       73, 0, -1},
      // hidden reasoning stands in the total alone
      {R"({"usage":{"prompt_tokens":35,"completion_tokens":12,"total_tokens":109}})", 35, 74, 0,
       -1},
      // OpenAI Responses
      {R"({"usage":{"input_tokens":13,"input_tokens_details":{"cached_tokens":4},
          "output_tokens":284,"output_tokens_details":{"reasoning_tokens":256},
          "total_tokens":297}})",
       13, 284, 4, 256},
      {R"({"type":"response.completed","response":{"usage":{"input_tokens":3,"output_tokens":4}}})",
       3, 4, 0, -1},
      // Anthropic: the cache stands apart
      {R"({"usage":{"input_tokens":10,"cache_creation_input_tokens":5,
          "cache_read_input_tokens":7351,"output_tokens":4}})",
       7366, 4, 7351, -1},
      {R"({"type":"message_start","message":{"usage":{"input_tokens":25,"output_tokens":1}}})", 25,
       1, 0, -1},
      // Gemini: thoughts and tool prompts stand apart, what is 0 is left out
      {R"({"usageMetadata":{"promptTokenCount":9622,"candidatesTokenCount":35,
          "totalTokenCount":9793,"cachedContentTokenCount":9609,"thoughtsTokenCount":136}})",
       9622, 171, 9609, 136},
      {R"({"usageMetadata":{"promptTokenCount":10,"toolUsePromptTokenCount":30,
          "candidatesTokenCount":5,"totalTokenCount":45}})",
       40, 5, 0, -1},
      {R"({"usageMetadata":{"promptTokenCount":15,"totalTokenCount":15}})", 15, 0, 0, -1},
      // Bedrock Converse
      {R"({"usage":{"inputTokens":10,"outputTokens":4,"cacheReadInputTokens":20,
          "cacheWriteInputTokens":7351,"totalTokens":7385}})",
       7381, 4, 20, -1},
      // Cohere: what is real, not what is billed
      {R"({"usage":{"billed_units":{"input_tokens":8,"output_tokens":50},"tokens":{
          "input_tokens":1394,"output_tokens":55,"reasoning_tokens":38},"cached_tokens":1360}})",
       1394, 55, 1360, 38},
      {R"({"delta":{"usage":{"tokens":{"input_tokens":1476,"output_tokens":58}}}})", 1476, 58, 0,
       -1},
      // Ollama: the prompt's count is left out where it was cached
      {R"({"done":true,"prompt_eval_count":26,"eval_count":12})", 26, 12, 0, -1},
      {R"({"done":true,"eval_count":12})", 0, 12, 0, -1},
  };
  for (const Row& row : rows) {
    const ParsedJson parsed = parse_json(row.body);
    ASSERT_NE(parsed.value, nullptr) << row.body;
    const UsageCounts counts = read_usage(parsed.value.get());
    EXPECT_TRUE(is_complete(counts, false)) << row.body;
    const core::Usage usage = total_usage(counts);
    EXPECT_EQ(usage.input_tokens, row.input) << row.body;
    EXPECT_EQ(usage.output_tokens, row.output) << row.body;
    EXPECT_EQ(usage.cached_input_tokens, row.cached) << row.body;
    EXPECT_EQ(counts.reasoning, row.reasoning) << row.body;
    EXPECT_EQ(total_usage(counts).reasoning_tokens, std::max<int64_t>(row.reasoning, 0))
        << row.body;
  }
}

TEST(Usage, OfEmbeddingsHasNoOutput) {
  for (const char* body :
       {R"({"usage":{"prompt_tokens":56,"total_tokens":56}})", R"({"usage":{"total_tokens":56}})",
        R"({"meta":{"billed_units":{"input_tokens":56}}})"}) {
    const UsageCounts counts = read_usage(parse_json(body).value.get());
    EXPECT_TRUE(is_complete(counts, true)) << body;
    EXPECT_EQ(total_usage(counts).input_tokens, 56) << body;
    EXPECT_EQ(total_usage(counts).output_tokens, 0) << body;
  }
}

TEST(Usage, ThatMakesNoSenseIsNotTold) {
  for (const char* body :
       {"{}", "[]", "3", R"({"usage":null})", R"({"usage":[1]})",
        R"({"usage":{"prompt_tokens":-1}})",
        R"({"usage":{"prompt_tokens":1e400,"completion_tokens":"5"}})",
        R"({"usage":{"input_tokens":{},"output_tokens":-3}})", R"({"usageMetadata":{}})",
        R"({"usageMetadata":7})", R"({"usage":{"tokens":5}})", R"({"eval_count":null})"}) {
    EXPECT_FALSE(is_complete(read_usage(parse_json(body).value.get()), false)) << body;
  }
}

}  // namespace
}  // namespace llmq::provider
