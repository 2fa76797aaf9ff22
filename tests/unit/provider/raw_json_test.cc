#include "provider/raw_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace llmq::provider {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(RawJson, MembersKeepTheirTextAndOrder) {
  const auto members =
      raw_members(R"( { "a" : 12345678901234567890123 , "b\u0041":[1, {"x":"]}"}],"c":"\"}" } )");
  ASSERT_EQ(members.size(), 3U);
  EXPECT_EQ(members[0].name, "a");
  EXPECT_EQ(members[0].value, "12345678901234567890123");
  EXPECT_EQ(members[1].name, "bA");
  EXPECT_EQ(members[1].value, R"([1, {"x":"]}"}])");
  EXPECT_EQ(members[2].value, R"("\"}")");
  EXPECT_THAT(raw_members("{}"), IsEmpty());
  EXPECT_THAT(raw_members("[1]"), IsEmpty());
  EXPECT_THAT(raw_members(""), IsEmpty());
}

TEST(RawJson, ItemsKeepTheirText) {
  EXPECT_THAT(raw_items(R"([ 1.50 ,"a,b",[],{"k":[2]} ,null])"),
              ElementsAre("1.50", R"("a,b")", "[]", R"({"k":[2]})", "null"));
  EXPECT_THAT(raw_items("[]"), IsEmpty());
  EXPECT_THAT(raw_items("{}"), IsEmpty());
}

TEST(RawJson, AMemberThatIsNullIsMissing) {
  EXPECT_EQ(raw_member(R"({"a":null,"b":1})", "a"), "");
  EXPECT_EQ(raw_member(R"({"a":null,"b":1})", "b"), "1");
  EXPECT_EQ(raw_member(R"({"a":null,"b":1})", "c"), "");
}

TEST(RawJson, StringsGoThereAndBack) {
  EXPECT_EQ(decoded(R"("a\n\"\u00e9\\")"), "a\n\"\xc3\xa9\\");
  EXPECT_EQ(decoded("12"), "");
  EXPECT_EQ(encoded("a\n\"\xc3\xa9\\\x01"), R"("a\u000a\")"
                                            "\xc3\xa9"
                                            R"(\\\u0001")");
  for (const char* text :
       {"", "plain", "\"quoted\"", "tab\there", "back\\slash", "\xf0\x9f\x8e\x89"}) {
    EXPECT_EQ(decoded(encoded(text)), text);
  }
}

TEST(RawJson, TextsArePutTogether) {
  ObjectText object;
  EXPECT_TRUE(object.empty());
  object.raw("n", "1e400").text("t", "a\"b");
  ArrayText list;
  list.raw("1").raw("{}");
  object.raw("l", list.done());
  EXPECT_EQ(object.done(), R"({"n":1e400,"t":"a\"b","l":[1,{}]})");
}

}  // namespace
}  // namespace llmq::provider
