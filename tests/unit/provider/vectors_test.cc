// Recorded answers of OpenAI-compatible endpoints, where they are at hand.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "core/policy/retry.h"
#include "provider/json.h"
#include "provider/provider.h"

namespace llmq::provider {
namespace {

constexpr const char* kFile = LLMQ_SOURCE_DIR "/../shared/vectors/provider_responses.json";

// What this version leaves to a later one.
const std::set<std::string_view> kLater{"openai-004-responses",               // another operation
                                        "openai-037-429-reset-only",          // limit headers
                                        "odd-019-should-retry-true-on-400"};  // x-should-retry

bool is_ours(const cJSON* vector) {
  const std::string_view provider = text_member(vector, "provider");
  return (provider == "openai" || provider == "openai-compatible") &&
         text_member(vector, "kind") != "stream" && kLater.count(text_member(vector, "id")) == 0;
}

WireResponse response_of(const cJSON* vector) {
  WireResponse response;
  response.http_status = static_cast<int>(member(vector, "status")->valuedouble);
  response.body = text_member(vector, "body");
  const cJSON* header = nullptr;
  cJSON_ArrayForEach(header, member(vector, "headers")) {
    if (cJSON_IsString(header) != 0)
      response.headers.emplace_back(header->string, header->valuestring);
    const cJSON* value = nullptr;
    if (cJSON_IsArray(header) == 0) continue;
    cJSON_ArrayForEach(value, header) {
      response.headers.emplace_back(header->string, value->valuestring);
    }
  }
  return response;
}

Operation operation_of(const cJSON* vector) {
  const bool embeddings =
      text_member(vector, "body").find("\"embedding\"") != std::string_view::npos;
  return embeddings ? Operation::kEmbeddings : Operation::kChat;
}

double number(const cJSON* object, const char* name) {
  const cJSON* const value = member(object, name);
  return cJSON_IsNumber(value) != 0 ? value->valuedouble : 0;
}

void expect_as_recorded(const cJSON* vector) {
  SCOPED_TRACE(text_member(vector, "id"));
  const auto now = static_cast<int64_t>(number(vector, "now_unix_ms"));
  const Outcome outcome = parse_response(operation_of(vector), response_of(vector), now);
  const cJSON* const expect = member(vector, "expect");
  const std::string_view kind = text_member(vector, "kind");
  EXPECT_EQ(outcome.status == core::Status::kOk, kind == "success") << outcome.message;
  EXPECT_EQ(outcome.status == core::Status::kQuotaExhausted, kind == "quota") << outcome.message;
  EXPECT_EQ(core::is_transient(outcome.status), cJSON_IsTrue(member(expect, "retryable")) != 0);
  EXPECT_EQ((outcome.retry_after.ns + 999'999) / 1'000'000,
            static_cast<int64_t>(number(expect, "retry_after_ms")));
  const cJSON* const usage = member(expect, "usage");
  EXPECT_EQ(outcome.usage_known, cJSON_IsObject(usage) != 0);
  EXPECT_EQ(outcome.usage.input_tokens, static_cast<int64_t>(number(usage, "input_tokens")));
  EXPECT_EQ(outcome.usage.output_tokens, static_cast<int64_t>(number(usage, "output_tokens")));
  EXPECT_EQ(outcome.usage.cached_input_tokens,
            static_cast<int64_t>(number(usage, "cached_input_tokens")));
}

TEST(ProviderVectors, AreReadAsRecorded) {
  std::ifstream file(kFile, std::ios::binary);
  if (!file) GTEST_SKIP() << "optional data: the recorded answers are not beside this checkout";
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const ParsedJson parsed = parse_json(text);
  ASSERT_NE(parsed.value, nullptr);
  int count = 0;
  const cJSON* vector = nullptr;
  cJSON_ArrayForEach(vector, parsed.value.get()) {
    if (!is_ours(vector)) continue;
    expect_as_recorded(vector);
    ++count;
  }
  EXPECT_GT(count, 30);
}

}  // namespace
}  // namespace llmq::provider
