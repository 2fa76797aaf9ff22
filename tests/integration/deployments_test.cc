// Several deployments of one model over real sockets: three mock providers with limits of their
// own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <set>
#include <string>

#include "integration/program.h"

namespace llmq::test {
namespace {

using ::testing::HasSubstr;

constexpr int kRequests = 800;
constexpr std::array<int, 3> kPerWindow = {160, 80, 40};  // of two seconds each

// For how long a busy machine may keep a call from its provider.
constexpr const char* kJitter = ",jitter=500ms";

std::string limit_text(int requests) { return "requests=" + std::to_string(requests) + "/2s"; }

class Deployments : public ::testing::Test {
 protected:
  Deployments() {
    for (size_t i = 0; i < mocks_.size(); ++i) {
      mocks_[i] = std::make_unique<Mock>(
          dir_, Arguments{"--limit", limit_text(kPerWindow[i]), "--latency", "5ms..20ms"});
    }
  }

  std::string deployment(size_t i, const std::string& more = "") const {
    return R"({"name":")" + std::string(1, static_cast<char>('a' + i)) + R"(","base_url":")" +
           mocks_[i]->url() + R"(","limits":")" + limit_text(kPerWindow[i]) + kJitter + "\"" +
           more + "}";
  }
  std::string config(const std::string& more = "") const {
    return R"({"models":[{"name":"m","provider":"openai","api_key_env":"K")" + more +
           R"(,"deployments":[)" + deployment(0) + "," + deployment(1) + "," + deployment(2) +
           "]}]}";
  }
  // 800 lines; every custom_id is answered once, and well.
  void run_all(const std::string& config) {
    const std::string in = dir_.write("in.jsonl", chat_lines(kRequests));
    Program run(dir_, {"run", in, "-o", dir_.path("out"), "--config", dir_.write("c", config),
                       "--summary", dir_.path("s")});
    ASSERT_EQ(run.wait(), 0) << run.err();
    const base::Json summary(cJSON_Parse(dir_.read("s").c_str()));
    EXPECT_EQ(number(summary, "completed"), kRequests);
    EXPECT_EQ(number(summary, "failed"), 0);
    std::set<std::string> ids;
    for (const base::Json& line : json_lines(dir_.read("out"))) {
      const cJSON* id = cJSON_GetObjectItem(line.get(), "custom_id");
      EXPECT_TRUE(ids.insert(id->valuestring).second) << id->valuestring << " is answered twice";
    }
    EXPECT_EQ(ids.size(), static_cast<size_t>(kRequests));
  }

  const Directory dir_;
  std::array<std::unique_ptr<Mock>, 3> mocks_;
};

TEST_F(Deployments, EachGetsWhatItsLimitsLet) {
  run_all(config());
  std::array<double, 3> good{};
  double all = 0;
  for (size_t i = 0; i < mocks_.size(); ++i) {
    const base::Json stats = mocks_[i]->stop();
    good[i] = status_count(stats, "200");
    all += good[i];
    EXPECT_EQ(status_count(stats, "429"), 0) << "deployment " << i;
  }
  EXPECT_EQ(all, kRequests);
  constexpr double kAllPerWindow = 280;
  for (size_t i = 0; i < mocks_.size(); ++i) {
    const double share = kRequests * kPerWindow[i] / kAllPerWindow;
    EXPECT_GT(good[i], share * 0.7) << "deployment " << i;
    EXPECT_LT(good[i], share * 1.3) << "deployment " << i;
  }
}

// One body, two wires: each deployment is sent its own form of it.
TEST(MixedDeployments, AreSentTheFormOfTheirProvider) {
  const Directory dir;
  const Arguments limit = {"--limit", "requests=3/1h"};
  Mock openai(dir, limit);
  Mock anthropic(dir, limit);
  const std::string config =
      R"({"models":[{"name":"m","api_key_env":"K","retry":{"max_attempts":1},"deployments":[)"
      R"({"name":"a","provider":"openai","limits":"requests=3/1h,shape=sliding","base_url":")" +
      openai.url() +
      R"("},{"name":"b","provider":"anthropic","limits":"requests=3/1h,shape=sliding","base_url":")" +
      anthropic.url() + R"("}]}]})";
  const std::string in = dir.write("in.jsonl", chat_lines(6));
  Program run(dir, {"run", in, "-o", dir.path("out"), "--config", dir.write("c", config)},
              {{"K", "sk-x"}});
  ASSERT_EQ(run.wait(), 0) << run.err() << dir.read("out");
  EXPECT_EQ(json_lines(dir.read("out")).size(), 6U);
  EXPECT_EQ(status_count(openai.stop(), "200"), 3);
  EXPECT_EQ(status_count(anthropic.stop(), "200"), 3);
}

// Whole answers, and streams: `llmq run` asks for these.
class SlowDeployment : public ::testing::TestWithParam<const char*> {};

// The first deployment answers nothing within the test: whatever is answered, second calls brought.
TEST_P(SlowDeployment, IsHedgedAndItsConnectionsAreClosed) {
  const Directory dir;
  Mock slow(dir, {"--latency", "1h"});
  Mock fast(dir, {"--latency", "1ms"});
  const std::string config =
      R"({"models":[{"name":"m","provider":"openai","api_key_env":"K",)"
      R"("find_limits":false,"hedge":{"enabled":true,"after_ms":50,"budget_percent":100},"deployments":[)"
      R"({"name":"slow","order":0,"base_url":")" +
      slow.url() + R"("},{"name":"fast","order":1,"base_url":")" + fast.url() + R"("}]}]})";
  constexpr int kCalls = 15;  // the budget saves up no more than 20
  const std::string in = dir.write("in.jsonl", chat_lines(kCalls));
  Program run(dir,
              {"run", in, "-o", dir.path("out"), "--config", dir.write("c", config), GetParam()},
              {{"K", "sk-x"}});
  ASSERT_EQ(run.wait(), 0) << run.err() << dir.read("out");
  EXPECT_EQ(json_lines(dir.read("out")).size(), static_cast<size_t>(kCalls));
  EXPECT_EQ(status_count(fast.stop(), "200"), kCalls);
  const base::Json stats = slow.stop();
  EXPECT_EQ(status_count(stats, "200"), 0);
  EXPECT_EQ(number(stats, "client_gone"), kCalls);
}

INSTANTIATE_TEST_SUITE_P(Calls, SlowDeployment, ::testing::Values("--quiet", "--stream"));

TEST_F(Deployments, AreListedByCheckAndLookedAtByDoctor) {
  const std::string file = dir_.write("c", config(R"(,"rpm":9000)"));
  const Program::Environment key{{"K", "sk-x"}};
  Program check(dir_, {"check", file}, key);
  ASSERT_EQ(check.wait(), 0) << check.err();
  EXPECT_THAT(check.out(), HasSubstr("model.m.deployments.b.base_url"));
  EXPECT_THAT(check.out(), HasSubstr("model.m.deployments.c.limits"));
  Program doctor(dir_, {"doctor", "--config", file}, key);
  EXPECT_EQ(doctor.wait(), 0) << doctor.out();
  EXPECT_THAT(doctor.out(), HasSubstr("model m, deployment a\n"));
  EXPECT_THAT(doctor.out(), HasSubstr("model m, deployment c\n"));
  for (const auto& mock : mocks_) EXPECT_EQ(status_count(mock->stop(), "200"), 1);
}

}  // namespace
}  // namespace llmq::test
