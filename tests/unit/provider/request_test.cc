#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "provider/provider.h"

namespace llmq::provider {
namespace {

const Profile& openai() { return *find_profile("openai"); }

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

TEST(BuildRequest, IsJsonWithABearerKey) {
  const auto request = build_request(openai(), "https://h/v1", Operation::kChat, "sk-abc");
  ASSERT_TRUE(request);
  EXPECT_EQ(request.value().url, "https://h/v1/chat/completions");
  EXPECT_THAT(request.value().headers, ElementsAre(Pair("Content-Type", "application/json"),
                                                   Pair("Authorization", "Bearer sk-abc")));
}

TEST(BuildRequest, HasNoAuthorizationWithoutAKey) {
  const auto request = build_request(openai(), "http://127.0.0.1:1", Operation::kEmbeddings, "");
  ASSERT_TRUE(request);
  EXPECT_THAT(request.value().headers, ElementsAre(Pair("Content-Type", "application/json")));
}

TEST(BuildRequest, RefusesAKeyThatWouldAddHeaders) {
  for (const char* key : {"sk-abc\r\nX-Evil: 1", "sk abc", "sk-\xc3\xa9"}) {
    const auto request = build_request(openai(), "https://h", Operation::kChat, key);
    ASSERT_FALSE(request);
    EXPECT_EQ(request.error().code, core::Status::kAuth);
    EXPECT_THAT(request.error().message, Not(HasSubstr("sk")));
  }
}

TEST(BuildRequest, RefusesAUrlWithoutHost) {
  const auto request = build_request(openai(), "", Operation::kChat, "");
  ASSERT_FALSE(request);
  EXPECT_EQ(request.error().code, core::Status::kInvalidValue);
}

}  // namespace
}  // namespace llmq::provider
