#include "cli/report_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/json.h"

namespace llmq::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr int64_t kSecond = 1'000'000'000;

ReportHead head() { return {"in.jsonl", "out.jsonl", "2026-01-02 03:04:05 UTC", ""}; }

// What stands between two texts; "" if they are not there.
std::string between(const std::string& page, const std::string& from, const std::string& to) {
  const size_t begin = page.find(from);
  if (begin == std::string::npos) return "";
  const size_t end = page.find(to, begin + from.size());
  if (end == std::string::npos) return "";
  return page.substr(begin + from.size(), end - begin - from.size());
}

std::string figure(const std::string& page, const std::string& id) {
  return between(page, "<figure id=\"" + id + "\">", "</figure>");
}

std::string total(const std::string& page, const std::string& id) {
  return between(page, "id=\"total-" + id + "\" data-value=\"", "\"");
}

base::Json data_of(const std::string& page) {
  return base::Json(cJSON_Parse(
      between(page, "<script type=\"application/json\" id=\"samples\">", "</script>").c_str()));
}

double sum(const base::Json& data, const char* name) {
  double all = 0;
  const cJSON* item = nullptr;
  cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(data.get(), name)) {
    all += item->valuedouble;
  }
  return all;
}

// The values of the first line of a look, read off the picture.
std::vector<double> drawn_values(const std::string& figure, const std::string& look) {
  const double y_end = std::atof(between(figure, "data-y-end=\"", "\"").c_str());
  std::string points = between(figure, "class=\"line " + look + "\" points=\"", "\"") + " ";
  std::vector<double> values;
  for (size_t at = 0; (at = points.find(',', at)) != std::string::npos; ++at) {
    values.push_back((180 - std::atof(points.c_str() + at + 1)) / 170 * y_end);
  }
  return values;
}

TEST(ReportPage, FiguresAreThoseOfTheRun) {
  Summary summary;
  summary.completed = 30;
  summary.failed = 2;
  summary.attempts = 40;
  summary.retries = 8;
  summary.http_429 = 5;
  summary.elapsed_ms = 3210;
  summary.cost_micros = 123'456;
  summary.max_cost_micros = 500'000;
  summary.input_tokens = 1234;
  summary.waits.add(2 * kSecond);
  ReportSamples samples;
  samples.start(0);
  samples.add_load(0, {"m", "requests/1m"}, 60, {0, 60});
  samples.add_totals(kSecond, {10, 1, 1, 100'000});
  samples.add_load(kSecond, {"m", "requests/1m"}, 60, {10, 60});
  samples.add_answer(kSecond, true, 2 * kSecond, kSecond / 2);
  samples.add_totals(3 * kSecond, {40, 8, 5, 123'456});
  samples.add_load(3 * kSecond, {"m", "requests/1m"}, 60, {45, 30});
  samples.add_answer(3 * kSecond, false, 2 * kSecond, kSecond / 2);
  const std::string page = report_page(head(), summary, samples);

  EXPECT_EQ(total(page, "completed"), "30");
  EXPECT_EQ(total(page, "failed"), "2");
  EXPECT_EQ(total(page, "attempts"), "40");
  EXPECT_EQ(total(page, "retries"), "8");
  EXPECT_EQ(total(page, "http_429"), "5");
  EXPECT_EQ(total(page, "input_tokens"), "1234");
  EXPECT_EQ(total(page, "cost"), "0.123456");
  EXPECT_EQ(total(page, "max_cost"), "0.5");
  EXPECT_EQ(std::atof(total(page, "elapsed_ms").c_str()), 3210);
  EXPECT_NEAR(std::atof(total(page, "wait_p50_ms").c_str()), summary.waits.quantile_ms(0.5), 1e-6);

  const base::Json data = data_of(page);
  ASSERT_NE(data, nullptr);
  EXPECT_EQ(sum(data, "calls"), 40);
  EXPECT_EQ(sum(data, "retries"), 8);
  EXPECT_EQ(sum(data, "http_429"), 5);
  EXPECT_EQ(sum(data, "cost_micros"), 123'456);

  const std::vector<double> load = drawn_values(figure(page, "load-0"), "a");
  ASSERT_EQ(load.size(), 4U);  // three looks, and the end
  EXPECT_NEAR(load[0], 0, 0.1);
  EXPECT_NEAR(load[1], 10, 0.1);
  EXPECT_NEAR(load[2], 45, 0.1);
  const std::vector<double> limit = drawn_values(figure(page, "load-0"), "limit");
  ASSERT_EQ(limit.size(), 4U);
  EXPECT_NEAR(limit[1], 60, 0.1);
  EXPECT_NEAR(limit[2], 30, 0.1);
  EXPECT_THAT(page, HasSubstr("<td class=\"n\">150 %</td>"));

  const std::vector<double> spent = drawn_values(figure(page, "cost"), "a");
  ASSERT_FALSE(spent.empty());
  EXPECT_NEAR(spent.back(), 0.123456, 0.001);
  EXPECT_NEAR(drawn_values(figure(page, "cost"), "limit").at(0), 0.5, 0.001);
  EXPECT_NEAR(drawn_values(figure(page, "latencies"), "a").at(0), 0.5, 0.5 / 16);
  EXPECT_NEAR(drawn_values(figure(page, "waits"), "a").at(0), 2, 2.0 / 16);
  EXPECT_THAT(figure(page, "trouble"), HasSubstr(": 4 429s</title>"));
  EXPECT_THAT(figure(page, "trouble"), HasSubstr(": 7 retries</title>"));
  EXPECT_THAT(figure(page, "answers"), HasSubstr(": 1 failed or left</title>"));
}

TEST(ReportPage, NamesAreTextAndNothingElse) {
  const std::string evil = "</script><script>alert('1')</script><img src=\"http://x/\">&";
  ReportSamples samples;
  samples.start(0);
  samples.add_load(1, {evil, evil}, 1, {1, 1});
  const std::string page = report_page({evil, evil, "now", evil}, Summary(), samples);
  EXPECT_THAT(page, Not(HasSubstr("<script>")));
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_THAT(page, Not(HasSubstr("src=\"")));
  EXPECT_THAT(page, HasSubstr("&lt;/script&gt;&lt;script&gt;alert(&#39;1&#39;)"));
  size_t scripts = 0;
  for (size_t at = 0; (at = page.find("</script", at)) != std::string::npos; ++at) ++scripts;
  EXPECT_EQ(scripts, 1U);
  const base::Json data = data_of(page);  // the data still says what the name is
  const cJSON* limit = cJSON_GetObjectItemCaseSensitive(data.get(), "limits")->child;
  EXPECT_STREQ(cJSON_GetObjectItemCaseSensitive(limit, "owner")->valuestring, evil.c_str());
}

TEST(ReportPage, ARunOfNothing) {
  const std::string page = report_page(head(), Summary(), ReportSamples());
  EXPECT_THAT(page, HasSubstr("There were no limits."));
  EXPECT_THAT(figure(page, "answers"), HasSubstr("No call was answered."));
  EXPECT_THAT(figure(page, "trouble"), HasSubstr("There was neither a 429 nor a retry."));
  EXPECT_THAT(figure(page, "cost"), HasSubstr("Nothing that has a price was used."));
  EXPECT_THAT(page, Not(HasSubstr("<svg")));
  EXPECT_THAT(page, Not(HasSubstr("nan")));
  EXPECT_EQ(total(page, "attempts"), "0");
  EXPECT_NE(data_of(page), nullptr);
}

TEST(ReportPage, OneRequestThatTookNoTime) {
  Summary summary;
  summary.completed = 1;
  ReportSamples samples;
  samples.start(7);
  samples.add_load(7, {"m", "concurrency"}, 4, {0, 4});
  samples.add_totals(7, {1, 0, 0, 0});
  samples.add_answer(7, true, 0, 1000);
  const std::string page = report_page(head(), summary, samples);
  EXPECT_THAT(figure(page, "answers"), HasSubstr(": 1 completed</title>"));
  EXPECT_EQ(drawn_values(figure(page, "load-0"), "limit").at(0), 4);
  EXPECT_THAT(page, Not(HasSubstr("nan")));
  EXPECT_THAT(page, Not(HasSubstr("inf")));
}

TEST(ReportPage, ARunOfADayIsNoLargerThanAnyOther) {
  ReportSamples samples;
  samples.start(0);
  for (int64_t i = 0; i <= 86'400; ++i) {
    const auto n = static_cast<uint64_t>(i);
    samples.add_totals(i * kSecond, {n, n / 2, n / 4, i});
    samples.add_answer(i * kSecond, true, i * 1000, kSecond);
    samples.add_load(i * kSecond, {"m", "requests/1d"}, 100'000, {static_cast<double>(i), 1e5});
  }
  const std::string page = report_page(head(), Summary(), samples);
  EXPECT_LT(page.size(), 200'000U);
  EXPECT_EQ(sum(data_of(page), "calls"), 86'400);
  const std::vector<double> load = drawn_values(figure(page, "load-0"), "a");
  EXPECT_NEAR(load.back(), 86'400, 100);
  EXPECT_THAT(figure(page, "load-0"), HasSubstr(">24 h</text>"));
  EXPECT_THAT(figure(page, "load-0"), HasSubstr(">100k</text>"));
}

TEST(ReportPage, ShowsTheLimitsThatWereUsedMost) {
  ReportSamples samples;
  samples.start(0);
  for (int i = 0; i < 100; ++i) {
    samples.add_load(1, {"m" + std::to_string(i), "requests/1m"}, 100,
                     {static_cast<double>(i), 100});
  }
  const std::string page = report_page(head(), Summary(), samples);
  EXPECT_THAT(page, HasSubstr("The 24 limits that were used most, of 100."));
  EXPECT_THAT(figure(page, "load-0"), HasSubstr("<b>m99</b>"));
  EXPECT_THAT(figure(page, "load-23"), HasSubstr("<b>m76</b>"));
  EXPECT_EQ(figure(page, "load-24"), "");
}

TEST(ReportPage, TimesOfTheCalendar) { EXPECT_EQ(utc_text(86'400), "1970-01-02 00:00:00 UTC"); }

}  // namespace
}  // namespace llmq::cli
