#include <gtest/gtest.h>

#include "provider/provider.h"
#include "provider/url.h"

namespace llmq::provider {
namespace {

TEST(EndpointUrl, DoesNotDoubleTheVersion) {
  const char* const want = "http://h:9000/v1/chat/completions";
  EXPECT_EQ(endpoint_url("http://h:9000", Operation::kChat), want);
  EXPECT_EQ(endpoint_url("http://h:9000/", Operation::kChat), want);
  EXPECT_EQ(endpoint_url("http://h:9000/v1", Operation::kChat), want);
  EXPECT_EQ(endpoint_url("http://h:9000/v1/", Operation::kChat), want);
  EXPECT_EQ(endpoint_url("http://h:9000/v1", Operation::kEmbeddings),
            "http://h:9000/v1/embeddings");
}

TEST(EndpointUrl, KeepsAPathAndAVersionOfTheBase) {
  EXPECT_EQ(endpoint_url("https://openrouter.ai/api/v1", Operation::kChat),
            "https://openrouter.ai/api/v1/chat/completions");
  EXPECT_EQ(endpoint_url("https://h/v1beta/openai/", Operation::kChat),
            "https://h/v1beta/openai/chat/completions");
  EXPECT_EQ(endpoint_url("https://h/proxy", Operation::kEmbeddings),
            "https://h/proxy/v1/embeddings");
}

TEST(EndpointUrl, TakesNoHostForAVersion) {
  EXPECT_EQ(endpoint_url("https://v1", Operation::kChat), "https://v1/v1/chat/completions");
  EXPECT_EQ(endpoint_url("https://v1.example.com", Operation::kChat),
            "https://v1.example.com/v1/chat/completions");
  EXPECT_EQ(endpoint_url("https://h/vault", Operation::kChat),
            "https://h/vault/v1/chat/completions");
}

TEST(EndpointUrl, KnowsEveryOperation) {
  EXPECT_EQ(endpoint_url("https://h", Operation::kMessages), "https://h/v1/messages");
  EXPECT_EQ(endpoint_url("https://h/v1", Operation::kResponses), "https://h/v1/responses");
  EXPECT_EQ(endpoint_url("https://h/any/", Operation::kCustom),
            "https://h/any/v1/chat/completions");
  EXPECT_EQ(endpoint_url("https://h/any/chat/completions/", Operation::kChat),
            "https://h/any/chat/completions");
}

TEST(Authority, IsHostAndPort) {
  EXPECT_EQ(authority("http://h:1/x"), "h:1");
  EXPECT_EQ(authority("http://h?x"), "h");
  EXPECT_EQ(authority("h:1/x"), "");
  EXPECT_EQ(authority("http://user:secret@h/"), "");
  EXPECT_EQ(host("[::1]:80"), "[::1]");
  EXPECT_EQ(host("[::1"), "");
  EXPECT_EQ(host("h:80"), "h");
}

TEST(IsLoopback, KnowsTheLoopbackNames) {
  for (const char* url :
       {"http://127.0.0.1", "http://127.0.0.1:8080/v1", "http://127.255.1.2/", "http://localhost:1",
        "HTTP://LocalHost/v1", "http://[::1]:8000/v1", "https://127.0.0.1"}) {
    EXPECT_TRUE(is_loopback(url)) << url;
  }
}

TEST(IsLoopback, IsNotFooled) {
  for (const char* url :
       {"http://127.example.com", "http://127.0.0.1.example.com", "http://localhost.example.com",
        "http://128.0.0.1", "http://127.0.0.256",
        // libcurl reads a leading zero as octal: this is 87.0.0.1.
        "http://0127.0.0.1", "http://127.0.0.01", "http://127.0.0.1.", "http://127.0..1",
        "http://127.0.0", "http://127.0.0.1.1", "http://127.0.0.1@evil.com",
        "http://localhost:x@evil.com", "http://evil.com\\@127.0.0.1", "http://evil.com/127.0.0.1",
        "http://[::2]", "127.0.0.1", "", "http://", "http://[::1"}) {
    EXPECT_FALSE(is_loopback(url)) << url;
  }
}

TEST(CheckKeyTransport, KeepsAKeyFromTravellingInTheOpen) {
  EXPECT_TRUE(check_key_transport("https://api.example.com/v1", true, false));
  EXPECT_TRUE(check_key_transport("HTTPS://api.example.com/v1", true, false));
  EXPECT_TRUE(check_key_transport("http://127.0.0.1:9000", true, false));
  EXPECT_TRUE(check_key_transport("http://api.example.com", false, false));
  EXPECT_TRUE(check_key_transport("http://api.example.com", true, true));
  const auto refused = check_key_transport("http://api.example.com:80/v1", true, false);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, core::Status::kInvalidValue);
  EXPECT_EQ(refused.error().message,
            "the API key would travel unencrypted to api.example.com:80: use https://, or set "
            "allow_insecure to permit it");
}

}  // namespace
}  // namespace llmq::provider
