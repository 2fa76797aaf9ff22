// Live settings, estimates and plans.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <llmq/llmq.hpp>

namespace {

using testing::HasSubstr;

llmq::conf models() {
  llmq::conf conf;
  conf.set("model.m.limits", "requests=10/1m,jitter=0s");
  conf.set("model.m.price_output", "2");
  return conf;
}

llmq::request request_of(int64_t output_tokens) {
  llmq::request request{"m", "x"};
  request.operation = llmq::operation::custom;
  request.est_input_tokens = 100;
  request.est_output_tokens = output_tokens;
  return request;
}

TEST(Settings, ChangeWhileTheManagerRuns) {
  llmq::manager manager{models()};
  EXPECT_EQ(manager.estimate(request_of(50)).output_tokens, 50);
  EXPECT_EQ(manager.estimate(request_of(50)).cost_micros, 100);
  manager.set("model.m.price_output", "4");
  EXPECT_EQ(manager.estimate(request_of(50)).cost_micros, 200);
  manager.set("model.m.limit", "output_tokens=40/1m");
  EXPECT_THROW(manager.estimate(request_of(50)), llmq::invalid_argument_error);
  try {
    manager.set("model.m.provider", "mock");
    FAIL() << "it is taken";
  } catch (const llmq::invalid_argument_error& error) {
    EXPECT_EQ(error.key(), "model.m.provider");
    EXPECT_EQ(error.code(), LLMQ_ERR_UNSUPPORTED);
  }
}

TEST(Plan, TellsWhatItTakes) {
  llmq::plan plan{models()};
  for (int i = 0; i < 15; ++i) plan.add(request_of(60));
  EXPECT_THAT(plan.run(), HasSubstr("\"cost\":0.0018,\"duration_ms\":62000,"
                                    "\"bound_by\":\"requests/1m\""));
  EXPECT_THROW(plan.run(), llmq::error);
}

}  // namespace
