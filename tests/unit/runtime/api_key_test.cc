#include "runtime/api_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>

#include "runtime/validate.h"

namespace llmq::runtime {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kVariable[] = "LLMQ_TEST_KEY";

config::DeploymentConfig openai(const char* url = "https://example.com") {
  config::DeploymentConfig model;
  model.model = "m";
  model.provider = config::ProviderKind::kHttp;
  model.profile = provider::find_profile("openai");
  model.base_url = url;
  model.api_key_env = kVariable;
  return model;
}

class ApiKey : public ::testing::Test {
 protected:
  void SetUp() override { ::unsetenv(kVariable); }
  void TearDown() override { ::unsetenv(kVariable); }
};

TEST_F(ApiKey, ComesFromTheVariableTrimmed) {
  ::setenv(kVariable, " sk-1\n", 1);
  EXPECT_EQ(read_api_key(openai(), false).value(), "sk-1");
}

TEST_F(ApiKey, AMissingVariableIsNamed) {
  const auto key = read_api_key(openai(), false);
  ASSERT_FALSE(key.ok());
  EXPECT_THAT(key.error().message, HasSubstr(kVariable));
  EXPECT_EQ(key.error().key, "model.m.api_key_env");
}

TEST_F(ApiKey, OnLoopbackNoneIsNeeded) {
  EXPECT_EQ(read_api_key(openai("http://127.0.0.1:9"), false).value(), "");
  EXPECT_EQ(read_api_key(openai("http://localhost"), false).value(), "");
}

TEST_F(ApiKey, NeverGoesOverPlainHttpUnlessAllowedByName) {
  ::setenv(kVariable, "sk-1", 1);
  config::DeploymentConfig model = openai("http://example.com");
  const auto refused = read_api_key(model, false);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("allow_insecure"));
  EXPECT_THAT(refused.error().message, Not(HasSubstr("sk-1")));
  model.allow_insecure = true;
  EXPECT_TRUE(read_api_key(model, false).ok());
}

TEST_F(ApiKey, ComesFromAFile) {
  const std::string path = ::testing::TempDir() + "llmq_api_key_test." + std::to_string(::getpid());
  std::ofstream(path) << "sk-file\n";
  config::DeploymentConfig model = openai();
  model.api_key_file = path;
  EXPECT_EQ(read_api_key(model, false).value(), "sk-file");
  std::ofstream(path, std::ios::trunc) << "\n";
  EXPECT_THAT(read_api_key(model, false).error().message, HasSubstr("holds no key"));
  model.api_key_file = path + ".none";
  EXPECT_THAT(read_api_key(model, false).error().message, HasSubstr("cannot be read"));
  std::remove(path.c_str());
}

TEST_F(ApiKey, TheFunctionIsAskedForEachAttempt) {
  DeploymentEntry entry;
  entry.config = openai();
  int calls = 0;
  ApiKeyCallback callback;
  callback.fn = [](void* user, const char*, size_t, char* out, size_t) -> int64_t {
    ++*static_cast<int*>(user);
    std::memcpy(out, "sk-fn", 5);
    return 5;
  };
  callback.user = std::make_shared<UserData>(&calls, nullptr);
  EXPECT_EQ(key_for(callback, entry).value(), "sk-fn");
  EXPECT_EQ(key_for(callback, entry).value(), "sk-fn");
  EXPECT_EQ(calls, 2);
  callback.fn = [](void*, const char*, size_t, char*, size_t) -> int64_t { return -1; };
  EXPECT_EQ(key_for(callback, entry).error().code, core::Status::kAuth);
  callback.fn = nullptr;
  callback.deployment_fn = [](void*, const char* model, size_t model_len, const char* name,
                              size_t name_len, char* out, size_t) -> int64_t {
    const std::string both = std::string(model, model_len) + "/" + std::string(name, name_len);
    return static_cast<int64_t>(both.copy(out, both.size()));
  };
  entry.config.name = "east";
  EXPECT_EQ(key_for(callback, entry).value(), entry.config.model + "/east");
  entry.key = StoredKey("sk-own", "");
  EXPECT_EQ(key_for(callback, entry).value(), "sk-own");
}

TEST_F(ApiKey, ValidateSeesWhatIsMissing) {
  config::Config config;
  ASSERT_TRUE(config.set("model.m.provider", "openai").ok());
  ASSERT_TRUE(config.set("model.m.api_key_env", kVariable).ok());
  EXPECT_FALSE(validate(config, {}).ok());
  ::setenv(kVariable, "sk", 1);
  EXPECT_TRUE(validate(config, {}).ok());
}

}  // namespace
}  // namespace llmq::runtime
