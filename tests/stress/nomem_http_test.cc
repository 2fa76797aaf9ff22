// Memory runs out on the loop thread, at every allocation of llmq's own in turn, while requests go
// over HTTP: each ends exactly once, with its answer or an error. libcurl gets what it asks for:
// 7.88 divides by zero where it cannot make a table.
#include "mock/options.h"
#include "stress/nomem_trial.h"
#include "support/mock_thread.h"

namespace llmq::test {
namespace {

std::string models_for(const MockThread& provider, const std::string& more = "") {
  return R"({"name": "m", "timeout_ms": 20000,
             "retry": {"max_attempts": 4, "base_ms": 1, "cap_ms": 2}, )" +
         more + R"("deployments": [{"name": "a", "provider": "openai", "base_url": ")" +
         provider.url() + R"("}, {"name": "b", "provider": "openai", "base_url": ")" +
         provider.url() + R"("}]})";
}

void run_over_http(const std::string& models, uint32_t flags, size_t requests) {
  load_curl(models);
  at_each_allocation_of_the_loop(
      models,
      [flags, requests](Trial& trial) {
        trial.may_end_with(LLMQ_ERR_TRANSPORT);  // its socket could not be watched
        for (size_t i = 0; i < requests; ++i) {
          llmq_request_t r = trial.request("m");
          r.flags = flags;
          trial.submit(r);
        }
        trial.wait_for_all();
      },
      true);
}

TEST(NoMemLoop, OverHttp) {
  const MockThread provider;
  run_over_http(models_for(provider), 0, 3);
}

TEST(NoMemLoop, WithStreamsOverHttp) {
  const MockThread provider;
  run_over_http(models_for(provider), LLMQ_REQUEST_STREAM, 2);
}

TEST(NoMemLoop, WithSecondCallsOverHttp) {
  mock::Options options;
  options.latency_min = options.latency_max = std::chrono::milliseconds(5);
  const MockThread provider(options);
  const std::string hedge = R"("hedge": {"enabled": true, "after_ms": 1, "budget_percent": 100}, )";
  run_over_http(models_for(provider, hedge), 0, 2);
  run_over_http(models_for(provider, hedge), LLMQ_REQUEST_STREAM, 2);
}

}  // namespace
}  // namespace llmq::test
