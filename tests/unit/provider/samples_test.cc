// Answers made up from what providers document: forms that no recording at hand has. samples.json
// holds one a line, with what explain() must tell of it.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "provider/explain.h"
#include "provider/json.h"

namespace llmq::provider {
namespace {

std::string text_of(const cJSON* value) { return value == nullptr ? "" : base::json_text(value); }

// Of an object as much as is expected of it; nothing for null.
void expect_told(const cJSON* told, const cJSON* expected) {
  const bool in_parts = std::string_view(expected->string) == "body_limit";
  const cJSON* const one = member(told, expected->string);
  if (one == nullptr && cJSON_IsNull(expected) != 0) return;
  const cJSON* part = in_parts ? expected->child : nullptr;
  for (; part != nullptr; part = part->next) {
    EXPECT_TRUE(cJSON_Compare(member(one, part->string), part, 1) != 0)
        << expected->string << " is " << text_of(one) << ", not " << text_of(expected);
  }
  if (in_parts) return;
  EXPECT_TRUE(cJSON_Compare(one, expected, 1) != 0)
      << expected->string << " is " << text_of(one) << ", not " << text_of(expected);
}

TEST(ProviderSamples, AreExplainedAsDocumented) {
  std::ifstream file(LLMQ_SOURCE_DIR "/tests/unit/provider/samples.json", std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const ParsedJson parsed = parse_json(text);
  ASSERT_NE(parsed.value, nullptr);
  int count = 0;
  const cJSON* sample = nullptr;
  cJSON_ArrayForEach(sample, parsed.value.get()) {
    SCOPED_TRACE(text_member(sample, "id"));
    const auto line = explain("", base::json_text(sample));
    ASSERT_TRUE(line.ok()) << line.error().message;
    const ParsedJson told = parse_json(line.value());
    const cJSON* expected = nullptr;
    cJSON_ArrayForEach(expected, member(sample, "expect")) {
      expect_told(told.value.get(), expected);
    }
    ++count;
  }
  EXPECT_GT(count, 200);
}

}  // namespace
}  // namespace llmq::provider
