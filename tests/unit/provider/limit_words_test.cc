#include "provider/limit_words.h"

#include <gtest/gtest.h>

namespace llmq::provider {
namespace {

TEST(LimitWords, AreReadFromRecordedMessages) {
  const LimitWords openai = read_limit_words(
      "Rate limit reached for gpt-5.4 in organization org-x on tokens per min (TPM): Limit 500000, "
      "Used 442231, Requested 249686. Please try again in 23.03s.");
  EXPECT_EQ(openai.limit, 500000);
  EXPECT_EQ(openai.used, 442231);
  EXPECT_EQ(openai.requested, 249686);

  const LimitWords about =
      read_limit_words("on tokens per minute (TPM): Limit 7000, Used 0, Requested ~12903. Please");
  EXPECT_EQ(about.limit, 7000);
  EXPECT_EQ(about.used, 0);
  EXPECT_EQ(about.requested, 12903);

  EXPECT_EQ(read_limit_words("Limit: 10000 / min. Please try again in 6ms.").limit, 10000);
  EXPECT_EQ(read_limit_words("Limit: 20.000000 / min. Current: 24.000000 / min.").limit, 20);
  EXPECT_EQ(read_limit_words("Limit 1,000,000, Used 5").limit, 1000000);
}

TEST(LimitWords, SayNothingWhereNothingIsSaid) {
  for (const char* message :
       {"", "Limit", "Limit ", "Limits 5", "Limit none, Used all, Requested more", "Limit -5",
        "Limit 9999999999999999", "rate limit 5 used 4"}) {
    const LimitWords words = read_limit_words(message);
    EXPECT_FALSE(words.limit || words.used || words.requested) << message;
  }
}

TEST(LimitWords, TakeTheLastNumberOfAWord) {
  EXPECT_EQ(read_limit_words("Limit 3 was yours: Limit 70, Requested 8").limit, 70);
}

}  // namespace
}  // namespace llmq::provider
