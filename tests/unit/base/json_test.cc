#include "base/json.h"

#include <gtest/gtest.h>

#include <string>

namespace llmq::base {
namespace {

// None of them may be taken for a text that there was no memory for, whatever cJSON makes of it.
TEST(Json, WhatIsNoJsonIsNoLackOfMemory) {
  const std::string deep(5000, '[');
  const std::string digits(200, '7');
  for (const std::string& text : {std::string(),
                                  std::string("{"),
                                  std::string("[1,]"),
                                  std::string("{\"a\" 1}"),
                                  std::string("{\"a\":}"),
                                  std::string("[1 2]"),
                                  std::string("\"a"),
                                  std::string("\"\\x\""),
                                  std::string("\"\\u12g4\""),
                                  std::string("\"\\ud800\""),
                                  std::string("\"\\udc00\\ud800\""),
                                  std::string("tru"),
                                  std::string("-"),
                                  std::string("1."),
                                  std::string("1e"),
                                  std::string("[1.e5]"),
                                  std::string("\"\\"),
                                  std::string("\"\\u00"),
                                  "[" + digits + "]",
                                  deep,
                                  deep + std::string(5000, ']')}) {
    const char* end = nullptr;
    EXPECT_NO_THROW(parse_json(text, &end)) << text.substr(0, 40);
  }
}

TEST(Json, AValueEndsWhereItEnds) {
  const std::string text = R"( {"a": [1, -2.5e3, "x\n\u00e9", true, null]} rest)";
  const char* end = nullptr;
  const Json value = parse_json(text, &end);
  ASSERT_NE(value, nullptr);
  EXPECT_EQ(std::string(end), " rest");
  EXPECT_EQ(json_text(value.get()), "{\"a\":[1,-2500,\"x\\n\u00e9\",true,null]}");
}

}  // namespace
}  // namespace llmq::base
