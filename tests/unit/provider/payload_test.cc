#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "provider/json.h"
#include "provider/provider.h"

namespace llmq::provider {
namespace {

core::Result<Estimate> check_payload(Operation operation, std::string_view payload) {
  return inspect_payload(operation, payload, 0);
}

using ::testing::HasSubstr;

struct Bad {
  std::string payload;
  std::string says;
};

TEST(InspectPayload, SaysWhatIsWrong) {
  const std::string nul("{\"a\":\"b\0\"}", 10);
  const Bad all[] = {
      {"", "is empty, it must be a JSON object"},
      {"{", "is not valid JSON at byte"},
      {R"({"messages":[}])", "is not valid JSON at byte 13"},
      {"[1]", "is an array, it must be a JSON object"},
      {"\"x\"", "is a string"},
      {"1", "is a number"},
      {"true", "is true or false"},
      {"null", "is null"},
      {R"({"a":1} {"b":2})", "has more after its JSON object at byte 8"},
      {"{\"a\":\"\xff\"}", "is not valid UTF-8 at byte 6"},
      {"{\"a\":\"\xc3\"}", "is not valid UTF-8 at byte 6"},
      {"{\"a\":\"\xed\xa0\x80\"}", "is not valid UTF-8 at byte 6"},
      {nul, "is not valid UTF-8 at byte 7"},
  };
  for (const Bad& bad : all) {
    const auto seen = inspect_payload(Operation::kChat, bad.payload, 0);
    ASSERT_FALSE(seen) << bad.payload;
    EXPECT_EQ(seen.error().code, core::Status::kInvalidValue) << bad.payload;
    EXPECT_EQ(seen.error().key, "payload");
    EXPECT_THAT(seen.error().message, HasSubstr(bad.says));
    EXPECT_FALSE(check_payload(Operation::kChat, bad.payload));
  }
}

TEST(InspectPayload, TakesAnyJsonObject) {
  for (const char* payload : {"{}", " {\"a\": 1}\r\n", "{\"n\":12345678901234567890123}",
                              "{\"messages\":\"not a list\"}", "{\"messages\":[1,null,{}]}"}) {
    EXPECT_TRUE(check_payload(Operation::kChat, payload)) << payload;
  }
}

TEST(InspectPayload, ReadsNoFurtherThanItsLength) {
  const std::string two = R"({"a":1}{"b":2})";
  EXPECT_TRUE(check_payload(Operation::kChat, std::string_view(two).substr(0, 7)));
}

TEST(InspectPayload, SeesAStreamAndRefusesOtherOperations) {
  const auto stream = check_payload(Operation::kChat, R"({"stream":true})");
  ASSERT_TRUE(stream);
  EXPECT_TRUE(stream.value().stream);
  EXPECT_TRUE(check_payload(Operation::kChat, R"({"stream":false})"));
  for (const Operation operation :
       {Operation::kMessages, Operation::kResponses, Operation::kCustom}) {
    const auto other = check_payload(operation, "{}");
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code, core::Status::kUnsupported);
  }
}

TEST(InspectPayload, SurvivesDeepNesting) {
  EXPECT_FALSE(check_payload(Operation::kChat, "{\"a\":" + std::string(100'000, '[')));
}

struct Sample {
  const char* payload;
  int64_t input;
  int64_t output;
};

TEST(EstimateTokens, OfChat) {
  const Sample all[] = {
      {"{}", 4, 7},
      {R"({"messages":[{"role":"user","content":"12345678"}]})", 6, 7},
      {R"({"messages":[{"role":"user","content":"123456789"}]})", 7, 7},
      // 3 characters of 3 bytes
      {"{\"messages\":[{\"content\":\"\xe4\xb8\xad\xe6\x96\x87\xe5\xad\x97\"}]}", 7, 7},
      {R"({"messages":[{"content":"1234"},{"content":"1234","name":"bobs"}]})", 7, 7},
      {R"({"messages":[{"content":[{"type":"text","text":"1234"},"5678",
          {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAAAAAAAAAA"}}]}]})",
       6, 7},
      {R"({"messages":[{"content":null,"tool_calls":[{"id":"1234"}]}]})", 6, 7},
      {R"({"tools":[{"a":"bcd"}]})", 5, 7},
      {R"({"max_tokens":50})", 4, 50},
      {R"({"max_tokens":50,"max_completion_tokens":60})", 4, 60},
      {R"({"max_tokens":50,"n":3})", 4, 150},
      {R"({"n":2})", 4, 14},
      {R"({"max_tokens":0})", 4, 0},
      {R"({"max_tokens":-1,"n":0})", 4, 7},
      {R"({"max_tokens":"9","n":"2"})", 4, 7},
      {R"({"max_tokens":null})", 4, 7},
      {R"({"max_tokens":1e300,"n":1e300})", 4, 4294967295},
  };
  for (const Sample& sample : all) {
    const auto estimate = inspect_payload(Operation::kChat, sample.payload, 7);
    ASSERT_TRUE(estimate) << sample.payload;
    EXPECT_EQ(estimate.value().input_tokens, sample.input) << sample.payload;
    EXPECT_EQ(estimate.value().output_tokens, sample.output) << sample.payload;
  }
}

TEST(EstimateTokens, OfEmbeddings) {
  const Sample all[] = {
      {R"({"input":"12345"})", 2, 0},      {R"({"input":["1234","12345"]})", 3, 0},
      {R"({"input":[1,2,3]})", 3, 0},      {R"({"input":[[1,2],[3]]})", 3, 0},
      {R"({"input":[]})", 0, 0},           {R"({"input":null})", 0, 0},
      {R"({"input":"1234","n":5})", 1, 0}, {"{}", 0, 0},
  };
  for (const Sample& sample : all) {
    const auto estimate = inspect_payload(Operation::kEmbeddings, sample.payload, 7);
    ASSERT_TRUE(estimate) << sample.payload;
    EXPECT_EQ(estimate.value().input_tokens, sample.input) << sample.payload;
    EXPECT_EQ(estimate.value().output_tokens, 0) << sample.payload;
  }
}

TEST(FindInvalidUtf8, FollowsTheRfc) {
  const std::string good[] = {"", "plain text of more than eight bytes", "\xc2\x80\xdf\xbf",
                              "\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf",
                              "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"};
  for (const std::string& text : good) {
    EXPECT_EQ(find_invalid_utf8(text), std::string_view::npos) << text;
  }
  const std::string bad[] = {
      "\x80",         "\xc0\x80",          "\xc1\xbf",         "\xe0\x9f\xbf",
      "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",  "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
      "\xe4\xb8",     std::string(1, '\0')};
  for (const std::string& text : bad) {
    EXPECT_EQ(find_invalid_utf8(text), 0u);
    for (size_t before = 1; before < 20; ++before) {
      EXPECT_EQ(find_invalid_utf8(std::string(before, 'a') + text + "12345678"), before);
    }
  }
}

}  // namespace
}  // namespace llmq::provider
