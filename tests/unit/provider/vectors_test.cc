// Recorded answers of OpenAI-compatible endpoints, where they are at hand.
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "core/policy/retry.h"
#include "provider/json.h"
#include "provider/provider.h"
#include "provider/text.h"

namespace llmq::provider {
namespace {

const Profile& openai() { return *find_profile("openai"); }

constexpr const char* kFile = LLMQ_SOURCE_DIR "/../shared/vectors/provider_responses.json";

// What this version leaves to a later one.
const std::set<std::string_view> kLater{"openai-004-responses"};  // another operation

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
  const Outcome outcome = parse_response(openai(), operation_of(vector), response_of(vector), now);
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

struct KindName {
  const char* name;
  core::LimitKind kind;
};
constexpr KindName kKindNames[] = {{"requests", core::LimitKind::kRequests},
                                   {"tokens", core::LimitKind::kTokens},
                                   {"input_tokens", core::LimitKind::kInputTokens},
                                   {"output_tokens", core::LimitKind::kOutputTokens}};

// -1 where nothing is told.
int64_t number_or_untold(const cJSON* object, const char* name) {
  const cJSON* const value = member(object, name);
  return cJSON_IsNumber(value) != 0 ? static_cast<int64_t>(value->valuedouble) : -1;
}

int64_t ms_or_untold(core::DurationNs length) {
  return length.ns < 0 ? -1 : (length.ns + 999'999) / 1'000'000;
}

// The headers that the OpenAI-compatible wire reads.
bool shows_limits(const WireResponse& response) {
  for (const auto& [name, value] : response.headers) {
    for (const char* field : {"x-ratelimit-limit-", "x-ratelimit-remaining-"}) {
      if (equal_ignoring_case(std::string_view(name).substr(0, std::strlen(field)), field)) {
        return true;
      }
    }
  }
  return false;
}

void expect_limits_as_recorded(const cJSON* vector, const WireResponse& response) {
  SCOPED_TRACE(text_member(vector, "id"));
  const Outcome outcome = parse_response(openai(), Operation::kChat, response,
                                         static_cast<int64_t>(number(vector, "now_unix_ms")));
  const cJSON* const limits = member(member(vector, "expect"), "limits");
  for (const KindName& named : kKindNames) {
    SCOPED_TRACE(named.name);
    const cJSON* const limit = member(limits, named.name);
    const int64_t window_ms = number_or_untold(limit, "window_ms");
    const core::Observation* seen = nullptr;
    for (size_t i = 0; i < outcome.observed.count; ++i) {
      const core::Observation& one = outcome.observed.limits[i];
      const bool same_window =
          one.period.ns == 0 || window_ms < 0 || one.period.ns == window_ms * 1'000'000;
      if (one.kind == named.kind && same_window) seen = &one;
    }
    EXPECT_EQ(seen != nullptr, cJSON_IsObject(limit) != 0);
    if (seen == nullptr) continue;
    EXPECT_EQ(seen->limit, number_or_untold(limit, "limit"));
    EXPECT_EQ(seen->remaining, number_or_untold(limit, "remaining"));
    EXPECT_EQ(ms_or_untold(seen->reset), number_or_untold(limit, "reset_ms"));
  }
}

// Bodies of other wires are read by their providers.
void expect_refusal_as_recorded(const cJSON* vector, const WireResponse& response) {
  SCOPED_TRACE(text_member(vector, "id"));
  const cJSON* const told = member(member(vector, "expect"), "body_limit");
  const Outcome outcome = parse_response(openai(), Operation::kChat, response, 0);
  if (!outcome.observed.refused) {
    EXPECT_EQ(outcome.status, core::Status::kOversize);
    ASSERT_EQ(outcome.observed.count, 1u);
    EXPECT_EQ(outcome.observed.limits[0].limit, number_or_untold(told, "limit"));
    return;
  }
  const core::Refusal& refusal = outcome.observed.refusal;
  EXPECT_TRUE(refusal.kind_told);
  for (const KindName& named : kKindNames) {
    if (text_member(told, "dim") == named.name) {
      EXPECT_EQ(refusal.kind, named.kind);
    }
  }
  EXPECT_EQ(refusal.limit, number_or_untold(told, "limit"));
  if (member(told, "requested") != nullptr) {
    EXPECT_EQ(refusal.requested, number_or_untold(told, "requested"));
  }
  if (member(told, "window_ms") != nullptr) {
    EXPECT_EQ(ms_or_untold(refusal.period), number_or_untold(told, "window_ms"));
  }
  EXPECT_EQ(refusal.retry_after.ns, outcome.retry_after.ns);
}

// The file of recordings; without a value if it is not at hand.
ParsedJson recordings() {
  std::ifstream file(kFile, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  return parse_json(text);
}

constexpr const char* kNotAtHand =
    "optional data: the recorded answers are not beside this checkout";

TEST(ProviderVectors, ShowTheirLimits) {
  const ParsedJson parsed = recordings();
  if (parsed.value == nullptr) GTEST_SKIP() << kNotAtHand;
  int count = 0;
  const cJSON* vector = nullptr;
  cJSON_ArrayForEach(vector, parsed.value.get()) {
    const WireResponse response = response_of(vector);
    if (!shows_limits(response)) continue;
    expect_limits_as_recorded(vector, response);
    ++count;
  }
  EXPECT_GT(count, 25);
}

TEST(ProviderVectors, NameTheLimitThatRefused) {
  const ParsedJson parsed = recordings();
  if (parsed.value == nullptr) GTEST_SKIP() << kNotAtHand;
  const std::set<std::string_view> kOtherWires{"gemini", "cohere"};
  int count = 0;
  const cJSON* vector = nullptr;
  cJSON_ArrayForEach(vector, parsed.value.get()) {
    const bool other = kOtherWires.count(text_member(vector, "provider")) > 0;
    if (other || number(vector, "status") != 429 ||
        cJSON_IsObject(member(member(vector, "expect"), "body_limit")) == 0 ||
        text_member(vector, "kind") == "quota") {
      continue;
    }
    expect_refusal_as_recorded(vector, response_of(vector));
    ++count;
  }
  EXPECT_GT(count, 7);
}

TEST(ProviderVectors, AreReadAsRecorded) {
  const ParsedJson parsed = recordings();
  if (parsed.value == nullptr) GTEST_SKIP() << kNotAtHand;
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
