#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <llmq/llmq.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace {

static_assert(!std::is_copy_constructible_v<llmq::conf>);
static_assert(std::is_nothrow_move_constructible_v<llmq::conf>);
static_assert(std::is_nothrow_move_assignable_v<llmq::conf>);

TEST(Conf, GivesBackWhatWasSetAndTheDefaultOfTheRest) {
  llmq::conf conf;
  conf.set("model.m.rpm", "500").set("model.gpt-4.1.provider", "mock");
  EXPECT_EQ(conf.get("model.m.rpm"), "500");
  EXPECT_EQ(conf.get("model.gpt-4.1.provider"), "mock");
  EXPECT_EQ(conf.get("history_max"), "1000");
}

TEST(Conf, ThrowsWithTheKeyThatIsUnknown) {
  llmq::conf conf;
  try {
    conf.set("modell.m.rpm", "1");
    FAIL() << "accepted";
  } catch (const llmq::invalid_argument_error& e) {
    EXPECT_EQ(e.code(), LLMQ_ERR_UNKNOWN_KEY);
    EXPECT_EQ(e.key(), "modell.m.rpm");
    EXPECT_THAT(e.what(), testing::StrNe(""));
    EXPECT_STREQ(e.name(), "LLMQ_ERR_UNKNOWN_KEY");
  }
  EXPECT_THROW(conf.get("modell.m.rpm"), llmq::invalid_argument_error);
}

TEST(Conf, ThrowsForAValueThatCannotBe) {
  llmq::conf conf;
  try {
    conf.set("model.m.rpm", "-1");
    FAIL() << "accepted";
  } catch (const llmq::invalid_argument_error& e) {
    EXPECT_EQ(e.code(), LLMQ_ERR_INVALID_VALUE);
    EXPECT_EQ(e.key(), "model.m.rpm");
  }
}

TEST(Conf, TakesAJsonDocumentWholeOrNotAtAll) {
  llmq::conf conf;
  conf.set_json(R"({"models": [{"name": "a", "limits": [{"requests": 5, "per": "1m"}]}]})");
  EXPECT_EQ(conf.models_json(), R"(["a"])");
  EXPECT_THROW(conf.set_json(R"({"max_pending": 5, "nonsense": 1})"), llmq::invalid_argument_error);
  EXPECT_EQ(conf.get("max_pending"), llmq::conf().get("max_pending"));
  EXPECT_THROW(conf.set_json({}), llmq::invalid_argument_error);
  EXPECT_NO_THROW(conf.validate());
}

TEST(Conf, ValidateFindsAMissingKeyVariable) {
  llmq::conf conf;
  conf.set("model.m.provider", "openai").set("model.m.api_key_env", "LLMQ_TEST_NO_SUCH_VARIABLE");
  EXPECT_THROW(conf.validate(), llmq::error);
  conf.set_api_key([](std::string_view) { return std::string("k"); });
  EXPECT_NO_THROW(conf.validate());
}

TEST(Conf, CopiesAreIndependent) {
  llmq::conf first;
  first.set("model.m.rpm", "1");
  llmq::conf second = first.copy();
  second.set("model.m.rpm", "2");
  EXPECT_EQ(first.get("model.m.rpm"), "1");
  EXPECT_EQ(second.get("model.m.rpm"), "2");
}

TEST(Conf, MovedFromThrows) {
  llmq::conf first;
  const llmq::conf second = std::move(first);
  EXPECT_THROW(first.set("max_pending", "5"), llmq::invalid_argument_error);  // NOLINT
  EXPECT_NO_THROW(second.get("max_pending"));
}

TEST(Conf, LogGetsLinesAndIsFreedWithTheLastOwner) {
  const auto lines = std::make_shared<int>(0);
  {
    llmq::conf conf;
    conf.set("model.m.provider", "mock").set("model.m.mock.latency_ms", "0");
    conf.set_log(LLMQ_LOG_TRACE, [lines](int32_t, std::string_view line) {
      if (!line.empty()) ++*lines;
      throw std::runtime_error("goes nowhere");
    });
    llmq::manager manager(conf);
    EXPECT_TRUE(manager.submit_wait({"m", "{}"}).ok());
    EXPECT_GT(lines.use_count(), 1);
  }
  EXPECT_EQ(lines.use_count(), 1);
  EXPECT_GT(*lines, 0);
}

}  // namespace
