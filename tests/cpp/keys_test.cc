// Keys that a C++ program is asked for by events.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <llmq/llmq.hpp>

#include <chrono>
#include <cstdint>
#include <string>

namespace {

using testing::HasSubstr;

TEST(Keys, AreAskedForThroughAQueue) {
  llmq::completion_queue queue;
  llmq::batch batch(1);
  const auto next = [&]() -> llmq_event_t& {
    EXPECT_TRUE(queue.wait(std::chrono::seconds(60)));
    EXPECT_EQ(queue.drain(batch), 1u);
    return *batch.begin();
  };
  llmq::conf conf;
  conf.set("model.m.provider", "openai").set("model.m.base_url", "http://127.0.0.1:9");
  llmq::manager manager(conf.ask_for_keys());
  manager.set_key_queue(queue, 7);
  manager.submit({"m", R"({"messages":[],"max_tokens":1})"}, queue);
  const llmq_event_t& asked = next();
  EXPECT_EQ(asked.type, LLMQ_EV_KEY);
  EXPECT_EQ(asked.user_data, 7u);
  EXPECT_EQ(std::string(static_cast<const char*>(asked.data), asked.data_len),
            std::string("m\0", 2));
  manager.answer_key(asked.attempt_id, "", "the vault is sealed");
  const llmq::response response = llmq::batch::take(next());
  EXPECT_EQ(response.status(), LLMQ_ERR_AUTH);
  EXPECT_THAT(std::string(response.error_message()), HasSubstr("the vault is sealed"));
  manager.remove_key_queue();
}

}  // namespace
