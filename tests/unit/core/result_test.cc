#include "core/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

namespace llmq::core {
namespace {

TEST(Result, HoldsAValue) {
  Result<std::string> result(std::string("yes"));
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(static_cast<bool>(result));
  EXPECT_EQ(result.value(), "yes");
  const Result<std::string>& same = result;
  EXPECT_EQ(same.value(), "yes");
}

TEST(Result, HoldsAnError) {
  Result<Done> result(Error{Status::kInvalidValue, "not a number", "retry.base"});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, Status::kInvalidValue);
  result.error().message += "!";
  const Result<Done>& same = result;
  EXPECT_EQ(same.error().message, "not a number!");
  EXPECT_EQ(same.error().key, "retry.base");
}

TEST(Result, CarriesWhatCanOnlyMove) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(7));
  const std::unique_ptr<int> taken = std::move(result.value());
  EXPECT_EQ(*taken, 7);
}

}  // namespace
}  // namespace llmq::core
