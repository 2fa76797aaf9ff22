// Memory runs out on the loop thread while keys of a provider are asked for, by events and of a
// function, and one that was refused is asked for again. The mock refuses the key "invalid".
#include <atomic>
#include <cstring>
#include <set>
#include <string>

#include "stress/nomem_trial.h"
#include "support/mock_thread.h"

namespace llmq::test {
namespace {

std::string model_of(const MockThread& provider) {
  return R"({"name": "m", "timeout_ms": 20000, "find_limits": false, "provider": "openai",
             "retry": {"max_attempts": 3, "base_ms": 1, "cap_ms": 2},
             "base_url": ")" +
         provider.url() + R"("})";
}

void give_a_key(llmq_conf_t* conf) {
  const auto good = [](void*, const char*, size_t, char* out, size_t) {
    out[0] = 'k';
    return int64_t{1};
  };
  EXPECT_EQ(llmq_conf_set_api_key_fn(conf, good, nullptr, nullptr), LLMQ_OK);
}

// The first key of every request is refused.
void answer_question(Trial& trial, const llmq_event_t& event, std::set<llmq_request_id_t>& asked) {
  ASSERT_EQ(event.type, LLMQ_EV_KEY);
  const bool of_none = event.request_id == 0;
  const bool first = asked.insert(event.request_id).second;
  const char* const key = of_none ? "" : first ? "invalid" : "good";
  EXPECT_EQ(llmq_key_answer(trial.manager(), event.attempt_id, key, std::strlen(key), nullptr, 0),
            LLMQ_OK);
}

TEST(NoMemLoop, WithKeysByEvents) {
  const MockThread provider;
  const std::string models = model_of(provider);
  load_curl(models, give_a_key);
  at_each_allocation_of_the_loop(
      models,
      [](Trial& trial) {
        trial.may_end_with(LLMQ_ERR_TRANSPORT);  // its socket could not be watched
        EXPECT_EQ(llmq_set_key_queue(trial.manager(), trial.cq(), 0), LLMQ_OK);
        std::set<llmq_request_id_t> asked;
        for (int i = 0; i < 2; ++i) trial.submit(trial.request("m"));
        trial.wait_for_all(
            [&](const llmq_event_t& event) { answer_question(trial, event, asked); });
      },
      true, [](llmq_conf_t* conf) { EXPECT_EQ(llmq_conf_ask_for_keys(conf), LLMQ_OK); });
}

TEST(NoMemLoop, WithAKeyFunction) {
  static std::atomic<int> calls{0};
  const auto key = [](void*, const char*, size_t, char* out, size_t) {
    const char* const given = calls++ == 0 ? "invalid" : "good";
    std::memcpy(out, given, std::strlen(given));
    return static_cast<int64_t>(std::strlen(given));
  };
  const MockThread provider;
  const std::string models = model_of(provider);
  load_curl(models, give_a_key);
  at_each_allocation_of_the_loop(
      models,
      [](Trial& trial) {
        trial.may_end_with(LLMQ_ERR_TRANSPORT);
        calls = 0;
        for (int i = 0; i < 2; ++i) trial.submit(trial.request("m"));
        trial.wait_for_all();
      },
      true,
      [&](llmq_conf_t* conf) {
        EXPECT_EQ(llmq_conf_set_api_key_fn(conf, key, nullptr, nullptr), LLMQ_OK);
      });
}

}  // namespace
}  // namespace llmq::test
