// Hooks as C++ programs set them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <llmq/llmq.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <vector>

namespace {

using testing::ElementsAre;

llmq::manager echoing() {
  llmq::manager manager(llmq::conf().set("model.m.concurrency", "4"));
  manager.set_processor("m", [](llmq::attempt attempt) { attempt.succeed(attempt.payload()); });
  return manager;
}

TEST(Hook, IsToldOfARequestInOrder) {
  std::mutex mutex;
  std::vector<uint32_t> types;
  llmq::manager manager = echoing();
  manager.set_hook(UINT32_MAX, [&](const llmq_hook_t& hook) {
    const std::lock_guard<std::mutex> lock(mutex);
    types.push_back(hook.type);
  });
  EXPECT_TRUE(manager.submit_wait({"m", "x"}).ok());
  const std::lock_guard<std::mutex> lock(mutex);
  EXPECT_THAT(
      types, ElementsAre(LLMQ_HOOK_REQUEST_SUBMITTED, LLMQ_HOOK_ADMITTED, LLMQ_HOOK_ATTEMPT_STARTED,
                         LLMQ_HOOK_ATTEMPT_FINISHED, LLMQ_HOOK_COMPLETED));
}

TEST(Hook, LivesUntilItIsRemoved) {
  const auto alive = std::make_shared<int>(0);
  llmq::manager manager = echoing();
  manager.set_hook(LLMQ_HOOK_COMPLETED, [alive](const llmq_hook_t&) { ++*alive; });
  EXPECT_TRUE(manager.submit_wait({"m", "x"}).ok());
  EXPECT_EQ(alive.use_count(), 2);
  manager.remove_hook();
  EXPECT_TRUE(manager.submit_wait({"m", "x"}).ok());  // by now the loop has taken the change
  EXPECT_EQ(*alive, 1);
  EXPECT_EQ(alive.use_count(), 1);
}

TEST(Hook, MayThrow) {
  llmq::manager manager = echoing();
  manager.set_hook(UINT32_MAX, [](const llmq_hook_t&) { throw std::runtime_error("unheard"); });
  EXPECT_TRUE(manager.submit_wait({"m", "x"}).ok());
}

TEST(Hook, IsToldThroughAQueue) {
  llmq::completion_queue queue;
  llmq::batch batch(1);
  llmq::manager manager = echoing();
  manager.set_hook(LLMQ_HOOK_COMPLETED, queue, 7);
  const auto id = manager.submit({"m", "x"}, queue);
  const auto next = [&]() -> const llmq_event_t& {
    EXPECT_TRUE(queue.wait(std::chrono::seconds(60)));
    EXPECT_EQ(queue.drain(batch), 1u);
    return *batch.begin();
  };
  const llmq_event_t& told = next();
  EXPECT_EQ(told.user_data, 7u);
  ASSERT_NE(llmq::batch::hook(told), nullptr);
  EXPECT_EQ(llmq::batch::hook(told)->type, LLMQ_HOOK_COMPLETED);
  EXPECT_EQ(llmq::batch::hook(told)->request_id, id);
  EXPECT_EQ(llmq::batch::hook(next()), nullptr);  // the response
  manager.remove_hook();
  EXPECT_EQ(next().type, LLMQ_EV_HOOK_ENDED);
}

TEST(Hook, IsFreedWhereItCannotBeSet) {
  const auto alive = std::make_shared<int>(0);
  llmq::manager manager = echoing();
  manager.shutdown_wait();
  EXPECT_THROW(manager.set_hook(1, [alive](const llmq_hook_t&) {}), llmq::error);
  EXPECT_EQ(alive.use_count(), 1);
}

}  // namespace
