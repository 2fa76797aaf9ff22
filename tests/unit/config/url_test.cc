#include "config/url.h"

#include <gtest/gtest.h>

namespace llmq::config {
namespace {

TEST(BaseUrl, TakesSchemeHostPortAndPath) {
  for (const char* good : {"https://api.openai.com/v1", "http://127.0.0.1:9000", "HTTPS://Host",
                           "http://[::1]:80/a/b/"}) {
    EXPECT_EQ(base_url_fault(good), nullptr) << good;
  }
}

TEST(BaseUrl, RefusesTheRest) {
  for (const char* bad : {"", "api.openai.com", "ftp://x", "http://", "http:///v1", "http://:80",
                          "http://[::1", "http://h:0", "http://h:65536", "http://h:x",
                          "http://u:p@h", "http://h?q", "http://h#f", "http://a b", "http://h\\"}) {
    EXPECT_NE(base_url_fault(bad), nullptr) << bad;
  }
}

}  // namespace
}  // namespace llmq::config
