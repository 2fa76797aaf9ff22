// `llmq run --report`: the page of a run says what its summary says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "integration/program.h"

namespace llmq::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Every fifth call or so fails; limits that bind.
constexpr const char* kConfig = R"({"models": [{"name": "*", "provider": "mock",
  "price_input": 2, "price_output": 3, "retry": {"max_attempts": 9, "base_ms": 1, "cap_ms": 20},
  "limits": [{"requests": 80, "per": "1s"}, {"cost": 1, "per": "1h"}, {"concurrency": 8}],
  "mock": {"latency_ms": "1..9", "fail_rate_limited": 0.1, "fail_server": 0.1}}]})";

base::Json parsed(const std::string& text) { return base::Json(cJSON_Parse(text.c_str())); }

std::string between(const std::string& page, const std::string& from, const std::string& to) {
  const size_t begin = page.find(from);
  if (begin == std::string::npos) return "";
  const size_t end = page.find(to, begin + from.size());
  return end == std::string::npos ? ""
                                  : page.substr(begin + from.size(), end - begin - from.size());
}

base::Json samples_of(const std::string& page) {
  return parsed(between(page, "<script type=\"application/json\" id=\"samples\">", "</script>"));
}

double sum(const base::Json& data, const char* name) {
  double all = 0;
  const cJSON* item = nullptr;
  cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(data.get(), name)) {
    all += item->valuedouble;
  }
  return all;
}

void expect_totals(const std::string& page, const base::Json& summary) {
  int seen = 0;
  const cJSON* item = nullptr;
  cJSON_ArrayForEach(item, summary.get()) {
    const std::string shown =
        between(page, "id=\"total-" + std::string(item->string) + "\" data-value=\"", "\"");
    ASSERT_NE(shown, "") << item->string << " is not on the page";
    EXPECT_NEAR(std::atof(shown.c_str()), item->valuedouble, 1e-6) << item->string;
    ++seen;
  }
  EXPECT_GE(seen, 14);
}

// Never above what limits allow, and in the end as high as they must be.
void expect_loads(const base::Json& data, double cost) {
  int limits = 0;
  const cJSON* limit = nullptr;
  cJSON_ArrayForEach(limit, cJSON_GetObjectItemCaseSensitive(data.get(), "limits")) {
    ++limits;
    const cJSON* const loads = cJSON_GetObjectItemCaseSensitive(limit, "load");
    const cJSON* const effective = cJSON_GetObjectItemCaseSensitive(limit, "effective");
    const cJSON* last = nullptr;
    for (int i = 0; i < cJSON_GetArraySize(loads); ++i) {
      const cJSON* const load = cJSON_GetArrayItem(loads, i);
      if (cJSON_IsNull(load)) continue;
      EXPECT_LE(load->valuedouble, cJSON_GetArrayItem(effective, i)->valuedouble);
      last = load;
    }
    ASSERT_NE(last, nullptr);
    const std::string name = cJSON_GetObjectItemCaseSensitive(limit, "limit")->valuestring;
    if (name == "cost/1h") {
      EXPECT_GE(last->valuedouble, cost - 1e-6);  // nothing leaves that window meanwhile
    }
  }
  EXPECT_EQ(limits, 3);
}

TEST(Report, SaysWhatTheSummarySays) {
  const Directory dir;
  const std::string in = dir.write("in.jsonl", chat_lines(200));
  const std::string config = dir.write("c.json", kConfig);
  Program run(dir, {"run", in, "-o", dir.path("out.jsonl"), "--config", config, "--summary",
                    dir.path("s.json"), "--report", dir.path("r.html"), "-q"});
  ASSERT_EQ(run.wait(), 0) << run.err();
  const std::string page = dir.read("r.html");
  const base::Json summary = parsed(dir.read("s.json"));
  ASSERT_NE(summary, nullptr);
  EXPECT_EQ(number(summary, "completed"), 200);
  EXPECT_GT(number(summary, "retries"), 0);
  EXPECT_GT(number(summary, "http_429"), 0);
  EXPECT_GT(number(summary, "cost"), 0);
  expect_totals(page, summary);
  const base::Json data = samples_of(page);
  ASSERT_NE(data, nullptr);
  EXPECT_EQ(sum(data, "calls"), number(summary, "attempts"));
  EXPECT_EQ(sum(data, "retries"), number(summary, "retries"));
  EXPECT_EQ(sum(data, "http_429"), number(summary, "http_429"));
  EXPECT_EQ(sum(data, "completed"), 200);
  EXPECT_EQ(sum(data, "failed"), 0);
  EXPECT_NEAR(sum(data, "cost_micros") / 1e6, number(summary, "cost"), 1e-9);
  EXPECT_GE(number(data, "length_ms"), number(summary, "elapsed_ms"));
  expect_loads(data, number(summary, "cost"));
  EXPECT_THAT(page, Not(HasSubstr("Ended early")));
}

TEST(Report, NamesOfModelsAreNoHtml) {
  const Directory dir;
  const std::string in =
      dir.write("in.jsonl",
                R"({"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":)"
                R"("<script>alert(1)</script>","messages":[{"role":"user","content":"x"}]}})"
                "\n");
  Program run(dir, {"run", in, "-o", dir.path("out.jsonl"), "--provider", "mock", "--limit",
                    "requests=9/1m", "--report", dir.path("r.html"), "-q"});
  ASSERT_EQ(run.wait(), 0) << run.err();
  const std::string page = dir.read("r.html");
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(1)&lt;/script&gt;"));
  EXPECT_THAT(page, Not(HasSubstr("<script>")));
}

TEST(Report, SaysWhyARunEndedEarly) {
  const Directory dir;
  const std::string in = dir.write("in.jsonl", chat_lines(20));
  Program run(dir, {"run", in, "-o", dir.path("out.jsonl"), "--provider", "mock", "--price-input",
                    "1", "--price-output", "1", "--max-cost", "0.0001", "--report",
                    dir.path("r.html"), "--summary", dir.path("s.json"), "-q"});
  ASSERT_EQ(run.wait(), 3) << run.err();
  EXPECT_THAT(dir.read("r.html"), HasSubstr("Ended early: the next call would pass --max-cost."));
  expect_totals(dir.read("r.html"), parsed(dir.read("s.json")));
}

TEST(Report, OfARunThatFoundAllDone) {
  const Directory dir;
  const std::string in = dir.write("in.jsonl", chat_lines(3));
  const Arguments line{"run",      in,   "-o",       dir.path("out.jsonl"), "--provider", "mock",
                       "--resume", "-q", "--report", dir.path("r.html")};
  ASSERT_EQ(Program(dir, line).wait(), 0);
  EXPECT_THAT(dir.read("r.html"), HasSubstr("id=\"total-completed\" data-value=\"3\""));
  ASSERT_EQ(Program(dir, line).wait(), 0);
  EXPECT_THAT(dir.read("r.html"), HasSubstr("id=\"total-skipped\" data-value=\"3\""));
  EXPECT_THAT(dir.read("r.html"), HasSubstr("No call was answered."));
}

TEST(Report, PlacesThatTakeNoneCostNoRun) {
  const Directory dir;
  const std::string in = dir.write("in.jsonl", chat_lines(1));
  const std::string out = dir.path("out.jsonl");
  const auto refused = [&](const Arguments& more) {
    Arguments all{"run", in, "-o", out, "--provider", "mock", "--force"};
    all.insert(all.end(), more.begin(), more.end());
    Program run(dir, all);
    EXPECT_EQ(run.wait(), 1);
    return run.err();
  };
  EXPECT_THAT(refused({"--report", dir.path("no/r.html")}), HasSubstr("cannot be written"));
  EXPECT_THAT(refused({"--report", in}), HasSubstr("is the input itself"));
  EXPECT_THAT(refused({"--report", dir.path("x"), "--summary", dir.path("x")}),
              HasSubstr("is the summary itself"));
  EXPECT_THAT(refused({"--report", dir.path("x"), "--dry-run"}), HasSubstr("--dry-run makes none"));
  EXPECT_FALSE(dir.has("x"));
  EXPECT_FALSE(dir.has("out.jsonl"));
  dir.write("out.jsonl", "kept\n");
  EXPECT_THAT(refused({"--report", out}), HasSubstr("is the output itself"));
  EXPECT_EQ(dir.read("out.jsonl"), "kept\n");
}

}  // namespace
}  // namespace llmq::test
