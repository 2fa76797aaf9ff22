#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "provider/request.h"

namespace llmq::provider {
namespace {

core::Result<WireRequest> request_to(std::string_view provider, std::string_view base_url,
                                     std::string_view key) {
  const Profile* const profile = find_profile(provider);
  return build_request({profile, base_url, "m", "", profile->api_version}, Operation::kChat, "m",
                       false, key);
}

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

TEST(BuildRequest, IsJsonWithABearerKey) {
  const auto request = request_to("openai", "https://h/v1", "sk-abc");
  ASSERT_TRUE(request);
  EXPECT_EQ(request.value().url, "https://h/v1/chat/completions");
  EXPECT_THAT(request.value().headers, ElementsAre(Pair("Content-Type", "application/json"),
                                                   Pair("Authorization", "Bearer sk-abc")));
}

TEST(BuildRequest, HasNoAuthorizationWithoutAKey) {
  const auto request = request_to("openai", "http://127.0.0.1:1", "");
  ASSERT_TRUE(request);
  EXPECT_THAT(request.value().headers, ElementsAre(Pair("Content-Type", "application/json")));
}

TEST(BuildRequest, RefusesAKeyThatWouldAddHeaders) {
  for (const char* key : {"sk-abc\r\nX-Evil: 1", "sk abc", "sk-\xc3\xa9"}) {
    const auto request = request_to("openai", "https://h", key);
    ASSERT_FALSE(request);
    EXPECT_EQ(request.error().code, core::Status::kAuth);
    EXPECT_THAT(request.error().message, Not(HasSubstr("sk")));
  }
}

TEST(BuildRequest, RefusesAUrlWithoutHost) {
  const auto request = request_to("openai", "", "");
  ASSERT_FALSE(request);
  EXPECT_EQ(request.error().code, core::Status::kInvalidValue);
}

TEST(BuildRequest, KeysGoIntoTheHeaderOfTheProvider) {
  const auto header_of = [](std::string_view provider) {
    return request_to(provider, "https://h", "k").value().headers.back();
  };
  EXPECT_EQ(header_of("openai"), Header("Authorization", "Bearer k"));
  EXPECT_EQ(header_of("azure"), Header("api-key", "k"));
  EXPECT_EQ(header_of("anthropic"), Header("x-api-key", "k"));
  EXPECT_EQ(header_of("gemini"), Header("x-goog-api-key", "k"));
}

TEST(BuildRequest, AnthropicIsToldTheVersion) {
  const auto request = request_to("anthropic", "https://h", "");
  ASSERT_TRUE(request);
  EXPECT_THAT(request.value().headers, ElementsAre(Pair("Content-Type", "application/json"),
                                                   Pair("anthropic-version", "2023-06-01")));
}

TEST(BuildRequest, HeadersAreAddedOrTakeThePlaceOfItsOwn) {
  const Profile* const profile = find_profile("anthropic");
  const std::vector<Header> headers = {{"Anthropic-Version", "2030-01-01"}, {"X-Team", "blue"}};
  const Endpoint endpoint{profile, "https://h", "m", "", profile->api_version, &headers};
  const auto request = build_request(endpoint, Operation::kChat, "", false, "k");
  ASSERT_TRUE(request);
  EXPECT_THAT(request.value().headers,
              ElementsAre(Pair("Content-Type", "application/json"), Pair("x-api-key", "k"),
                          Pair("Anthropic-Version", "2030-01-01"), Pair("X-Team", "blue")));
}

}  // namespace
}  // namespace llmq::provider
