#include "provider/stream_request.h"

#include <gtest/gtest.h>

#include <string>

namespace llmq::provider {
namespace {

std::string asked(const char* provider, Operation operation, std::string_view body) {
  return streamed_body(*find_profile(provider), operation, body);
}

std::string openai(std::string_view body) { return asked("openai", Operation::kChat, body); }

TEST(StreamRequest, AsksForAStreamAndItsUsage) {
  EXPECT_EQ(openai(R"({"model":"m"})"),
            R"({"stream":true,"stream_options":{"include_usage":true},"model":"m"})");
  EXPECT_EQ(openai(" { } "), R"( {"stream":true,"stream_options":{"include_usage":true} } )");
}

TEST(StreamRequest, KeepsEveryOtherByte) {
  EXPECT_EQ(openai("{\n \"seed\": 9223372036854775807, \"x\": \"\\\"stream\\\": [{\"}"),
            "{\"stream\":true,\"stream_options\":{\"include_usage\":true},\n \"seed\": "
            "9223372036854775807, \"x\": \"\\\"stream\\\": [{\"}");
}

TEST(StreamRequest, KeepsWhatTheBodySaysOfUsage) {
  EXPECT_EQ(openai(R"({"stream":true,"stream_options":{"include_usage":false}})"),
            R"({"stream":true,"stream_options":{"include_usage":false}})");
  EXPECT_EQ(openai(R"({"stream_options": {"a":1} ,"stream" : false})"),
            R"({"stream_options": {"include_usage":true,"a":1} ,"stream" : true})");
  EXPECT_EQ(openai(R"({"stream_options":{},"stream":null})"),
            R"({"stream_options":{"include_usage":true},"stream":true})");
  EXPECT_EQ(openai(R"({"stream_options":null,"stream":true})"),
            R"({"stream_options":{"include_usage":true},"stream":true})");
}

// A member of that name deeper down is another one.
TEST(StreamRequest, LooksAtTheOutermostMembersAlone) {
  EXPECT_EQ(openai(R"({"tools":[{"stream":false}],"a":{"stream_options":{}}})"),
            R"({"stream":true,"stream_options":{"include_usage":true},)"
            R"("tools":[{"stream":false}],"a":{"stream_options":{}}})");
}

TEST(StreamRequest, SaysToEachWireWhatItTakes) {
  EXPECT_EQ(asked("mistral", Operation::kChat, "{}"), R"({"stream":true})");
  EXPECT_EQ(asked("openai", Operation::kResponses, "{}"), R"({"stream":true})");
  EXPECT_EQ(asked("anthropic", Operation::kMessages, R"({"a":1})"), R"({"stream":true,"a":1})");
  EXPECT_EQ(asked("ollama", Operation::kChat, R"({"stream":false})"), R"({"stream":true})");
  EXPECT_EQ(asked("gemini", Operation::kChat, R"({"a":1})"), R"({"a":1})");
}

}  // namespace
}  // namespace llmq::provider
