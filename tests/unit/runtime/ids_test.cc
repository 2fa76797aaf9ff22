#include "runtime/ids.h"

#include <gtest/gtest.h>

namespace llmq::runtime {
namespace {

TEST(Ids, RequestsAndAttemptsAreSpacesOfTheirOwn) {
  const uint64_t request = request_id(0xabcdef, 0xffffffff);
  EXPECT_TRUE(is_request_id(request));
  EXPECT_FALSE(is_attempt_id(request));
  EXPECT_EQ(slot_of(request), 0xabcdefU);
  for (uint32_t number = 1; number <= kMaxAttempts; ++number) {
    const uint64_t attempt = attempt_id(request, number);
    EXPECT_TRUE(is_attempt_id(attempt));
    EXPECT_FALSE(is_request_id(attempt));
    EXPECT_EQ(attempt_of(attempt), number);
    EXPECT_EQ(request_of(attempt), request);
  }
  EXPECT_FALSE(is_request_id(0));
  EXPECT_FALSE(is_attempt_id(0));
  EXPECT_FALSE(is_attempt_id(attempt_id(request, 0)));
  EXPECT_FALSE(is_attempt_id(attempt_id(request, kMaxAttempts + 1)));
}

TEST(Ids, ALaterUseOfTheSameSlotHasAnotherId) {
  EXPECT_NE(request_id(5, 1), request_id(5, 2));
  EXPECT_NE(live_word(request_id(5, 1), 1), live_word(request_id(5, 2), 1));
  EXPECT_NE(live_word(request_id(5, 1), 1), live_word(request_id(5, 1), 2));
}

}  // namespace
}  // namespace llmq::runtime
