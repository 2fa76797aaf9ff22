#include "provider/profile.h"

#include <gtest/gtest.h>

#include <set>

#include "provider/provider.h"

namespace llmq::provider {
namespace {

TEST(Profile, NamesAreUnique) {
  std::set<std::string_view> names;
  for (const Profile& profile : profiles()) {
    EXPECT_TRUE(names.insert(profile.name).second) << profile.name;
    EXPECT_EQ(find_profile(profile.name), &profile);
  }
}

TEST(Profile, UnknownNamesFindNothing) {
  EXPECT_EQ(find_profile(""), nullptr);
  EXPECT_EQ(find_profile("OpenAI"), nullptr);
  EXPECT_EQ(find_profile("openai "), nullptr);
}

// A key may go to every address of the table: it is encrypted on the way or stays on the machine.
TEST(Profile, AddressesMayCarryAKey) {
  for (const Profile& profile : profiles()) {
    if (profile.base_url.empty()) continue;
    EXPECT_TRUE(check_key_transport(profile.base_url, true, false)) << profile.name;
  }
}

}  // namespace
}  // namespace llmq::provider
