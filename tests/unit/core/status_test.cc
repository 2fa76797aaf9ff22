#include "core/status.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace llmq::core {
namespace {

TEST(Status, EveryOneHasANameAndASentenceOfItsOwn) {
  std::set<std::string> names;
  std::set<std::string> messages;
  for (int code = 0; code >= static_cast<int>(Status::kUnknown); --code) {
    const auto status = static_cast<Status>(code);
    const std::string name = status_name(status);
    EXPECT_EQ(name.rfind(code == 0 ? "LLMQ_OK" : "LLMQ_ERR_", 0), 0u) << code << " " << name;
    EXPECT_EQ(name.find('?'), std::string::npos) << code;
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_TRUE(messages.insert(status_message(status)).second) << status_message(status);
  }
}

TEST(Status, UnknownNumbersAreNamedToo) {
  EXPECT_STREQ(status_name(static_cast<Status>(-9999)), "LLMQ_ERR_?");
  EXPECT_STREQ(status_message(static_cast<Status>(1)), "a status that this version does not know");
}

}  // namespace
}  // namespace llmq::core
