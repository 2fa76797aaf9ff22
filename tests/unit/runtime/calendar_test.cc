#include "runtime/calendar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/utc.h"

namespace llmq::runtime {
namespace {

using core::Calendar;

using test::unix_ms;
using test::utc;

void expect_window(Calendar calendar, const char* zone, const char* at, const char* start,
                   const char* end, const char* next_end) {
  SCOPED_TRACE(std::string(zone) + " at " + at);
  const auto window = calendar_window(calendar, zone, unix_ms(at));
  ASSERT_TRUE(window) << window.error().message;
  EXPECT_EQ(utc(window.value().start_ms), start);
  EXPECT_EQ(utc(window.value().end_ms), end);
  EXPECT_EQ(utc(window.value().next_end_ms), next_end);
}

TEST(CalendarWindow, OfUtcNeedsNoDatabase) {
  expect_window(Calendar::kMinute, "", "2026-11-25T18:03:59Z", "2026-11-25T18:03:00Z",
                "2026-11-25T18:04:00Z", "2026-11-25T18:05:00Z");
  expect_window(Calendar::kHour, "UTC", "2026-11-25T18:00:00Z", "2026-11-25T18:00:00Z",
                "2026-11-25T19:00:00Z", "2026-11-25T20:00:00Z");
  expect_window(Calendar::kDay, "", "2026-12-30T23:59:59Z", "2026-12-30T00:00:00Z",
                "2026-12-31T00:00:00Z", "2027-01-01T00:00:00Z");
  expect_window(Calendar::kDay, "", "1969-12-31T12:00:00Z", "1969-12-31T00:00:00Z",
                "1970-01-01T00:00:00Z", "1970-01-02T00:00:00Z");
}

TEST(CalendarWindow, EndsBetweenTwoMilliseconds) {
  const int64_t midnight = unix_ms("2026-11-25T00:00:00Z");
  EXPECT_EQ(calendar_window(Calendar::kDay, "", midnight - 1).value().end_ms, midnight);
  EXPECT_EQ(calendar_window(Calendar::kDay, "", midnight).value().start_ms, midnight);
}

#if defined(LLMQ_HAVE_CALENDAR)

// Dates that are past: what clocks will do, each edition of the time zone database tells anew.
TEST(Zones, WeeksBeginOnMondayAndMonthsDiffer) {
  expect_window(Calendar::kWeek, "", "2026-11-25T18:00:00Z", "2026-11-23T00:00:00Z",
                "2026-11-30T00:00:00Z", "2026-12-07T00:00:00Z");
  expect_window(Calendar::kWeek, "", "2026-11-22T23:59:59Z", "2026-11-16T00:00:00Z",
                "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z");
  expect_window(Calendar::kWeek, "", "2026-11-23T00:00:00Z", "2026-11-23T00:00:00Z",
                "2026-11-30T00:00:00Z", "2026-12-07T00:00:00Z");
  expect_window(Calendar::kMonth, "", "2026-01-31T12:00:00Z", "2026-01-01T00:00:00Z",
                "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z");
  expect_window(Calendar::kMonth, "", "2028-02-29T12:00:00Z", "2028-02-01T00:00:00Z",
                "2028-03-01T00:00:00Z", "2028-04-01T00:00:00Z");
  expect_window(Calendar::kMonth, "", "2026-11-30T23:59:59Z", "2026-11-01T00:00:00Z",
                "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z");
  expect_window(Calendar::kDay, "Europe/Berlin", "2024-02-29T12:00:00Z", "2024-02-28T23:00:00Z",
                "2024-02-29T23:00:00Z", "2024-03-01T23:00:00Z");
}

TEST(Zones, DaysHave23Or25HoursWhereClocksChange) {
  expect_window(Calendar::kDay, "Europe/Berlin", "2024-03-31T12:00:00Z", "2024-03-30T23:00:00Z",
                "2024-03-31T22:00:00Z", "2024-04-01T22:00:00Z");  // 23 h
  expect_window(Calendar::kDay, "Europe/Berlin", "2024-03-30T12:00:00Z", "2024-03-29T23:00:00Z",
                "2024-03-30T23:00:00Z", "2024-03-31T22:00:00Z");
  expect_window(Calendar::kDay, "Europe/Berlin", "2024-10-27T12:00:00Z", "2024-10-26T22:00:00Z",
                "2024-10-27T23:00:00Z", "2024-10-28T23:00:00Z");  // 25 h
  expect_window(Calendar::kDay, "America/Los_Angeles", "2024-03-10T12:00:00Z",
                "2024-03-10T08:00:00Z", "2024-03-11T07:00:00Z", "2024-03-12T07:00:00Z");
  expect_window(Calendar::kDay, "America/Los_Angeles", "2024-11-04T07:59:59Z",
                "2024-11-03T07:00:00Z", "2024-11-04T08:00:00Z", "2024-11-05T08:00:00Z");
  expect_window(Calendar::kMonth, "America/Los_Angeles", "2024-03-31T12:00:00Z",
                "2024-03-01T08:00:00Z", "2024-04-01T07:00:00Z", "2024-05-01T07:00:00Z");
  expect_window(Calendar::kWeek, "Europe/Berlin", "2024-10-27T22:59:59Z", "2024-10-20T22:00:00Z",
                "2024-10-27T23:00:00Z", "2024-11-03T23:00:00Z");
}

TEST(Zones, HoursFollowTheClocksOnTheWall) {
  // The hour that is skipped, and the one that comes twice.
  expect_window(Calendar::kHour, "Europe/Berlin", "2024-03-31T00:59:59Z", "2024-03-31T00:00:00Z",
                "2024-03-31T01:00:00Z", "2024-03-31T02:00:00Z");
  expect_window(Calendar::kHour, "Europe/Berlin", "2024-10-27T00:30:00Z", "2024-10-27T00:00:00Z",
                "2024-10-27T01:00:00Z", "2024-10-27T02:00:00Z");
  expect_window(Calendar::kHour, "Asia/Kathmandu", "2024-11-25T18:00:00Z", "2024-11-25T17:15:00Z",
                "2024-11-25T18:15:00Z", "2024-11-25T19:15:00Z");
  // Clocks go from 02:00 to 01:30: that hour lasts an hour and a half.
  expect_window(Calendar::kHour, "Australia/Lord_Howe", "2024-04-06T14:45:00Z",
                "2024-04-06T14:00:00Z", "2024-04-06T15:30:00Z", "2024-04-06T16:30:00Z");
  expect_window(Calendar::kHour, "Australia/Lord_Howe", "2024-04-06T15:15:00Z",
                "2024-04-06T14:00:00Z", "2024-04-06T15:30:00Z", "2024-04-06T16:30:00Z");
}

TEST(Zones, DaysBeginWhereMidnightIsSkippedOrComesTwice) {
  expect_window(Calendar::kDay, "America/Havana", "2013-03-10T12:00:00Z", "2013-03-10T05:00:00Z",
                "2013-03-11T04:00:00Z", "2013-03-12T04:00:00Z");  // 00:00 -> 01:00
  expect_window(Calendar::kDay, "America/Havana", "2013-11-03T05:30:00Z", "2013-11-03T04:00:00Z",
                "2013-11-04T05:00:00Z", "2013-11-05T05:00:00Z");  // 01:00 -> 00:00
  // 00:01 back to 23:01: the new day has begun already.
  expect_window(Calendar::kDay, "America/St_Johns", "2010-11-07T02:45:00Z", "2010-11-07T02:30:00Z",
                "2010-11-08T03:30:00Z", "2010-11-09T03:30:00Z");
  // A date that was left out.
  expect_window(Calendar::kDay, "Pacific/Apia", "2011-12-30T00:00:00Z", "2011-12-29T10:00:00Z",
                "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z");
}

TEST(Zones, AreThoseOfTheSystem) {
  for (const char* zone : {"Europe/Berln", "europe/berlin", "../../etc/passwd", "/etc/localtime",
                           "CET+1", " ", "posixrules/x"}) {
    const auto window = calendar_window(Calendar::kDay, zone, 0);
    ASSERT_FALSE(window) << zone;
    EXPECT_EQ(window.error().code, core::Status::kInvalidValue);
    EXPECT_EQ(window.error().key, "time_zone");
    EXPECT_THAT(window.error().message, testing::HasSubstr('"' + std::string(zone) + '"'));
  }
}

TEST(Zones, OfLimitsAreCheckedBeforeTheyAreUsed) {
  std::vector<core::LimitSpec> limits(2);
  limits[0].period = core::seconds(60);
  limits[1].kind = core::LimitKind::kTokens;
  limits[1].period = core::seconds(86'400);
  EXPECT_TRUE(check_calendars(limits, "Europe/Berlin"));
  EXPECT_FALSE(check_calendars(limits, "Europe/Berln")) << "also where no window needs it yet";
  limits[1].calendar = Calendar::kDay;
  EXPECT_TRUE(check_calendars(limits, "Europe/Berlin"));
  const auto checked = check_calendars(limits, "Europe/Berln");
  ASSERT_FALSE(checked);
  EXPECT_THAT(checked.error().message, testing::StartsWith("limit tokens/1d: "));
  EXPECT_THAT(checked.error().message, testing::HasSubstr("Europe/Berln"));
}

// Every moment lies in the window that it is given, and windows follow each other without a gap.
TEST(Zones, WindowsFollowEachOther) {
  constexpr int64_t kStepMs = 1'234'567;
  for (const char* zone : {"", "Europe/Berlin", "America/Los_Angeles", "Australia/Lord_Howe",
                           "America/Havana", "America/St_Johns", "Asia/Kathmandu"}) {
    for (const Calendar calendar :
         {Calendar::kHour, Calendar::kDay, Calendar::kWeek, Calendar::kMonth}) {
      const int64_t end = unix_ms("2011-06-01T00:00:00Z");
      for (int64_t at = unix_ms("2010-06-01T00:00:00Z"); at < end; at += kStepMs) {
        const CalendarWindow window = calendar_window(calendar, zone, at).value();
        ASSERT_LE(window.start_ms, at) << zone << utc(at);
        ASSERT_GT(window.end_ms, at) << zone << utc(at);
        const CalendarWindow next = calendar_window(calendar, zone, window.end_ms).value();
        ASSERT_EQ(next.start_ms, window.end_ms) << zone << utc(at);
        ASSERT_EQ(next.end_ms, window.next_end_ms) << zone << utc(at);
        at = std::max(at, window.end_ms - 20 * kStepMs);
      }
    }
  }
}

#else

TEST(CalendarWindow, WithoutDatabaseSaysWhatItLacks) {
  const auto month = calendar_window(Calendar::kMonth, "", 0);
  ASSERT_FALSE(month);
  EXPECT_EQ(month.error().code, core::Status::kUnsupported);
  EXPECT_EQ(month.error().key, "calendar");
  const auto day = calendar_window(Calendar::kDay, "Europe/Berlin", 0);
  ASSERT_FALSE(day);
  EXPECT_EQ(day.error().key, "time_zone");
  EXPECT_THAT(day.error().message, testing::HasSubstr("Europe/Berlin"));
}

#endif

}  // namespace
}  // namespace llmq::runtime
