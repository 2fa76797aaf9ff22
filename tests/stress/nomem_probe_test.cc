// Memory runs out while a provider is probed, at every allocation of llmq's own in turn: libuv ends
// the process where it cannot make a loop, libcurl (7.88) where it cannot make a table.
#include "stress/nomem.h"
#include "support/mock_thread.h"

namespace llmq::test {
namespace {

TEST(NoMem, InProbes) {
  const MockThread provider;
  llmq_conf_t* const conf = conf_of(R"({"models": [{"name": "m", "deployments": [
                    {"name": "a", "provider": "openai", "base_url": ")" +
                                    provider.url() + R"("}]}]})");
  char* json = nullptr;
  ASSERT_EQ(llmq_probe_json(conf, "m", 1, 0, &json, nullptr, nullptr), LLMQ_OK);  // loads libcurl
  EXPECT_TRUE(has(json, R"("status":"LLMQ_OK")")) << json;
  llmq_buf_free(json);
  for (const uint32_t flags : {uint32_t{LLMQ_PROBE_CONNECT_ONLY}, uint32_t{0}}) {
    at_each_allocation("llmq_probe_json", [&](Failure failure) {
      failure.only_new = true;
      char* told = nullptr;
      llmq_error_t* err = nullptr;
      const auto status =
          with(failure, [&] { return llmq_probe_json(conf, "m", 1, flags, &told, nullptr, &err); });
      EXPECT_EQ(told != nullptr, status == LLMQ_OK);
      if (told != nullptr) {
        EXPECT_TRUE(has(told, R"("name":"a")")) << told;
      }
      llmq_buf_free(told);
      llmq_error_free(err);
      return status;
    });
  }
  llmq_conf_free(conf);
}

}  // namespace
}  // namespace llmq::test
