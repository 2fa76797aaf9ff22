#include "provider/date.h"

#include <gtest/gtest.h>

namespace llmq::provider {
namespace {

TEST(Date, ReadsRfc3339) {
  EXPECT_EQ(read_rfc3339("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(read_rfc3339(" 2025-11-23T13:21:07Z "), 1'763'904'067'000);
  EXPECT_EQ(read_rfc3339("2025-11-23T13:21:07.25Z"), 1'763'904'067'250);
  EXPECT_EQ(read_rfc3339("2025-11-23T13:21:07.123456789Z"), 1'763'904'067'123);
  EXPECT_EQ(read_rfc3339("2025-11-23T14:21:07+01:00"), 1'763'904'067'000);
  EXPECT_EQ(read_rfc3339("2025-11-23T12:51:07-00:30"), 1'763'904'067'000);
  EXPECT_EQ(read_rfc3339("2024-02-29T00:00:00Z"), 1'709'164'800'000);
}

TEST(Date, IsNothingElse) {
  for (const char* text :
       {"", "2025", "2025-11-23", "2025-11-23T13:21:07", "2025-13-23T13:21:07Z",
        "2025-11-32T13:21:07Z", "2025-11-23T24:21:07Z", "2025-11-23T13:60:07Z",
        "2025-11-23T13:21:07.Z", "2025-11-23T13:21:07+1:00", "2025/11/23T13:21:07Z",
        "2025-11-23X13:21:07Z", "-025-11-23T13:21:07Z", "2025-11-23T13:21:0"}) {
    EXPECT_FALSE(read_rfc3339(text)) << text;
  }
  for (const char* text : {"", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Foo 1994 08:49:37 GMT",
                           "Sun, 06 ovD 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT"}) {
    EXPECT_FALSE(read_http_date(text)) << text;
  }
}

}  // namespace
}  // namespace llmq::provider
