// A provider that dies while a file is run, and comes back.
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>

#include "integration/program.h"

namespace llmq::test {
namespace {

constexpr int kLines = 800;

std::string place(const std::string& name, const std::string& url) {
  return R"({"name":")" + name + R"(","base_url":")" + url +
         R"(","limits":"requests=40/1s,shape=sliding"})";
}

std::string port_of(const std::string& url) {
  const size_t begin = url.rfind(':') + 1;
  return url.substr(begin, url.find('/', begin) - begin);
}

TEST(Outage, OneOfThreeDiesAndReturnsAndNobodyFails) {
  const Directory dir;
  const Arguments options = {"--limit", "requests=40/1s", "--latency", "20ms..60ms"};
  auto dies = std::make_unique<Mock>(dir, options);
  Mock second(dir, options);
  Mock third(dir, options);
  const std::string url = dies->url();
  const std::string config =
      R"({"models":[{"name":"m","provider":"openai","api_key_env":"K","retry":{"base_ms":20},)"
      R"("breaker":{"open_ms":500},"deployments":[)" +
      place("a", url) + "," + place("b", second.url()) + "," + place("c", third.url()) + "]}]}";
  const std::string in = dir.write("in.jsonl", chat_lines(kLines));
  Program run(dir,
              {"run", in, "-o", dir.path("out.jsonl"), "--config", dir.write("c", config),
               "--summary", dir.path("s")},
              {{"K", "sk-x"}});
  ASSERT_TRUE(run.wait_for("out.jsonl", "\"id-150\"")) << run.err();
  const double before = status_count(dies->stop(), "200");
  EXPECT_GT(before, 0);
  ASSERT_TRUE(run.wait_for("out.jsonl", "\"id-350\"")) << run.err();
  Arguments again = options;
  again.insert(again.end(), {"--port", port_of(url)});
  Mock back(dir, again);
  ASSERT_EQ(back.url(), url);
  ASSERT_EQ(run.wait(), 0) << run.err();

  std::set<std::string> ids;
  for (const base::Json& line : json_lines(dir.read("out.jsonl"))) {
    const cJSON* id = cJSON_GetObjectItem(line.get(), "custom_id");
    EXPECT_TRUE(ids.insert(id->valuestring).second) << id->valuestring << " is answered twice";
  }
  EXPECT_EQ(ids.size(), static_cast<size_t>(kLines));
  const base::Json summary(cJSON_Parse(dir.read("s").c_str()));
  EXPECT_EQ(number(summary, "completed"), kLines);
  EXPECT_EQ(number(summary, "failed"), 0);
  EXPECT_GT(status_count(back.stop(), "200"), 20) << "it is used again";
  for (Mock* mock : {&second, &third}) EXPECT_EQ(status_count(mock->stop(), "429"), 0);
}

}  // namespace
}  // namespace llmq::test
