// Plans that begin at a given time of the calendar, and plans for several tenants.
#include "runtime/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/json.h"
#include "tests/support/utc.h"

namespace llmq::runtime {
namespace {

using test::unix_ms;

constexpr int64_t kHourMs = 3'600'000;
// A call waits that long behind an edge, and lasts a second.
constexpr int64_t kAfterMs = 2'000 + 1'000;

// Timers are late by up to 1 ms.
void expect_ms(int64_t actual, int64_t expected) {
  EXPECT_GE(actual, expected);
  EXPECT_LE(actual, expected + 2);
}

class PlanTest : public testing::Test {
 protected:
  void make(const char* document) {
    config::Config config;
    const auto set = config.set_json(document);
    ASSERT_TRUE(set) << set.error().message;
    auto made = Plan::create(config);
    ASSERT_TRUE(made) << made.error().message;
    plan_ = std::move(made.value());
  }

  void add(const std::string& model, const std::string& tenant, int count, int64_t input = -1) {
    llmq_request_t request{};
    request.struct_size = sizeof request;
    request.operation = LLMQ_OP_CUSTOM;
    request.model = model.data();
    request.model_len = model.size();
    request.tenant = tenant.data();
    request.tenant_len = tenant.size();
    request.payload = "x";
    request.payload_len = 1;
    request.est_input_tokens = input;
    request.est_output_tokens = -1;
    for (int i = 0; i < count; ++i) EXPECT_EQ(plan_->add(request).code, core::Status::kOk);
  }

  void run(const char* start) {
    const auto report = plan_->run(unix_ms(start));
    ASSERT_TRUE(report) << report.error().message;
    report_.reset(cJSON_Parse(report.value().c_str()));
    ASSERT_NE(report_, nullptr);
  }

  static int64_t number(const cJSON* json, const char* name) {
    const cJSON* const item = cJSON_GetObjectItemCaseSensitive(json, name);
    EXPECT_TRUE(cJSON_IsNumber(item)) << name;
    return item == nullptr ? -1 : static_cast<int64_t>(item->valuedouble);
  }
  int64_t number(const char* name) const { return number(report_.get(), name); }
  // An item of the list "models" or "tenants".
  const cJSON* one(const char* list, const char* key, const char* name) const {
    const cJSON* item = nullptr;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(report_.get(), list)) {
      if (name == std::string(cJSON_GetObjectItemCaseSensitive(item, key)->valuestring)) {
        return item;
      }
    }
    ADD_FAILURE() << "no " << key << " " << name;
    return nullptr;
  }
  const cJSON* tenant(const char* name) const { return one("tenants", "tenant", name); }
  std::string bound_by() const {
    const cJSON* const text = cJSON_GetObjectItemCaseSensitive(report_.get(), "bound_by");
    return cJSON_IsString(text) ? text->valuestring : "";
  }

  std::unique_ptr<Plan> plan_;
  base::Json report_;
};

// Sliding windows would let the third start a day after the first.
TEST_F(PlanTest, TheDayEndsAtMidnight) {
  make(R"({"models":[{"name":"m","limits":["requests=2,calendar=day"]}]})");
  add("m", "", 5);
  run("2026-11-26T22:00:00Z");
  expect_ms(number("duration_ms"), 26 * kHourMs + kAfterMs);
  EXPECT_EQ(number("unfinished"), 0);
  EXPECT_EQ(bound_by(), "requests/1d");
}

#if defined(LLMQ_HAVE_CALENDAR)
// In Berlin the 29th of March 2026 begins at 23:00 UTC and ends after 23 hours.
TEST_F(PlanTest, ADayInATimeZoneMayHave23Hours) {
  make(
      R"({"models":[{"name":"m","time_zone":"Europe/Berlin","limits":["requests=2,calendar=day"]}]})");
  add("m", "", 5);
  run("2026-03-28T12:00:00Z");
  expect_ms(number("duration_ms"), (11 + 23) * kHourMs + kAfterMs);
}

TEST_F(PlanTest, APoolHasItsOwnTimeZone) {
  make(R"({"pools":[{"name":"account","time_zone":"Asia/Tokyo",
                     "limits":["requests=1,calendar=day"]}],
           "models":[{"name":"a","pool":"account"},{"name":"b","pool":"account"}]})");
  add("a", "", 1);
  add("b", "", 1);
  run("2026-06-01T00:00:00Z");
  expect_ms(number("duration_ms"), 15 * kHourMs + kAfterMs);
  EXPECT_EQ(bound_by(), "requests/1d of pool account");
}

TEST_F(PlanTest, AZoneThatNobodyKnowsIsRefused) {
  config::Config config;
  ASSERT_TRUE(config.set_json(
      R"({"models":[{"name":"m","time_zone":"Mars/Olympus","limits":["requests=2,calendar=day"]}]})"));
  const auto made = Plan::create(config);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, core::Status::kInvalidValue);
  EXPECT_THAT(made.error().message, testing::HasSubstr("Mars/Olympus"));
}
#endif

TEST_F(PlanTest, EachTenantHasItsOwnHours) {
  make(R"({"models":[{"name":"m","price_input":1000,"price_output":1,
           "limits":["requests=1,calendar=hour,per_tenant","concurrency=50"]}]})");
  add("m", "a", 3, 10);
  add("m", "b", 1, 7);
  add("m", "", 1, 5);
  run("2026-11-26T10:30:00Z");
  expect_ms(number("duration_ms"), kHourMs + kHourMs / 2 + kAfterMs);
  EXPECT_EQ(bound_by(), "requests/1h of each tenant");
  expect_ms(number(tenant("a"), "duration_ms"), kHourMs + kHourMs / 2 + kAfterMs);
  EXPECT_EQ(number(tenant("b"), "duration_ms"), 1000);
  EXPECT_EQ(number(tenant("a"), "requests"), 3);
  EXPECT_EQ(number(tenant("a"), "input_tokens"), 30);
  EXPECT_EQ(number(tenant("b"), "input_tokens"), 7);
  EXPECT_EQ(number(tenant(""), "input_tokens"), 5);
  EXPECT_DOUBLE_EQ(cJSON_GetObjectItemCaseSensitive(tenant("a"), "cost")->valuedouble, 0.03);
  EXPECT_DOUBLE_EQ(cJSON_GetObjectItemCaseSensitive(report_.get(), "cost")->valuedouble, 0.042);
}

TEST_F(PlanTest, TenantsShareByTheirWeights) {
  make(R"({"tenants":[{"name":"live","weight":4,"max_pending":1}],
           "models":[{"name":"m","limits":["requests=5/1m,jitter=0s"]}]})");
  add("m", "batch", 40);
  add("m", "live", 40);
  run("2026-11-26T10:00:00Z");
  // Five a minute, four of them live: after ten minutes live is through. All take 16 minutes.
  EXPECT_EQ(number("unfinished"), 0) << "caps of what may wait are none of a plan";
  EXPECT_NEAR(static_cast<double>(number(tenant("live"), "duration_ms")), 10 * 60'000, 70'000);
  expect_ms(number(tenant("batch"), "duration_ms"), 15 * 60'000 + 1000);
}

TEST_F(PlanTest, ATenantsShareOfWhatIsTooLargeIsCounted) {
  make(R"({"models":[{"name":"m","limits":["tokens=100/1m,per_tenant"]}]})");
  llmq_request_t request{};
  request.struct_size = sizeof request;
  request.operation = LLMQ_OP_CUSTOM;
  request.model = "m";
  request.model_len = 1;
  request.tenant = "big";
  request.tenant_len = 3;
  request.est_input_tokens = 101;
  EXPECT_EQ(plan_->add(request).code, core::Status::kOversize);
  run("2026-11-26T10:00:00Z");
  EXPECT_EQ(number(tenant("big"), "oversize"), 1);
  EXPECT_EQ(number(tenant("big"), "requests"), 0);
}

// 60 calls a minute here, 20 there: the fourth minute's part of 240 begins after three.
TEST_F(PlanTest, DeploymentsBringWhatTheyHaveTogether) {
  const char* const kLimits = R"({"models":[{"name":"m","provider":"mock","deployments":[)"
                              R"({"name":"a","limits":"requests=60/1m,jitter=0s"},)"
                              R"({"name":"b","limits":"requests=20/1m,jitter=0s"}]}]})";
  make(kLimits);
  add("m", "", 240);
  run("2026-03-29T00:00:00Z");
  expect_ms(number("duration_ms"), 2 * 60'000 + 1'000);
}

TEST_F(PlanTest, ALimitOfTheModelBoundsItsDeploymentsTogether) {
  const char* const kLimits =
      R"({"models":[{"name":"m","provider":"mock","limits":"requests=30/1m,jitter=0s",)"
      R"("deployments":[{"name":"a","limits":"requests=60/1m,jitter=0s"},{"name":"b"}]}]})";
  make(kLimits);
  add("m", "", 90);
  run("2026-03-29T00:00:00Z");
  expect_ms(number("duration_ms"), 2 * 60'000 + 1'000);
  const cJSON* const bound = cJSON_GetObjectItemCaseSensitive(report_.get(), "bound_by");
  EXPECT_STREQ(cJSON_GetStringValue(bound), "requests/1m of all deployments");
}

}  // namespace
}  // namespace llmq::runtime
