#include <gtest/gtest.h>
#include <poll.h>
#include <llmq/llmq.hpp>

#include <chrono>
#include <set>
#include <string>
#include <utility>

namespace {

using namespace std::chrono_literals;

llmq::conf mock_model() {
  llmq::conf conf;
  conf.set("model.m.provider", "mock").set("model.m.mock.latency_ms", "0");
  return conf;
}

TEST(CompletionQueue, GivesEachAnswerOnce) {
  llmq::completion_queue queue;
  llmq::manager manager(mock_model());
  llmq::request request{"m", "{}"};
  std::set<uint64_t> left;
  for (uint64_t i = 0; i < 50; ++i) {
    request.user_data = i;
    manager.submit(request, queue);
    left.insert(i);
  }
  llmq::batch batch(8);
  while (!left.empty()) {
    ASSERT_TRUE(queue.wait(1min));
    queue.drain(batch);
    EXPECT_LE(batch.size(), 8U);
    for (const llmq_event_t& event : batch) {
      EXPECT_EQ(event.type, LLMQ_EV_DONE);
      EXPECT_EQ(event.status, LLMQ_OK);
      EXPECT_EQ(left.erase(event.user_data), 1U);
    }
  }
  EXPECT_EQ(queue.drain(batch), 0U);
  EXPECT_TRUE(batch.empty());
  EXPECT_FALSE(queue.wait(0ns));
}

TEST(CompletionQueue, TakenResponseOutlivesEverything) {
  llmq::response response;
  {
    llmq::completion_queue queue;
    llmq::manager manager(mock_model());
    manager.submit({"m", "{}"}, queue);
    ASSERT_TRUE(queue.wait(1min));
    llmq::batch batch;
    ASSERT_EQ(queue.drain(batch), 1U);
    response = llmq::batch::take(*batch.begin());
    EXPECT_THROW(llmq::batch::take(*batch.begin()), llmq::invalid_argument_error);
  }
  EXPECT_NE(response.text().find("chat.completion"), std::string_view::npos);
}

TEST(CompletionQueue, TellsWhoseTheUsageIs) {
  llmq::completion_queue queue;
  llmq::conf conf = mock_model();
  conf.set("model.m.cache.ttl_s", "600").set("model.m.mock.latency_ms", "50");
  llmq::manager manager(conf);
  llmq::request request{"m", "{}"};
  request.dedup_key = "k";
  const auto next_flags = [&queue] {
    EXPECT_TRUE(queue.wait(1min));
    llmq::batch batch(1);
    EXPECT_EQ(queue.drain(batch), 1U);
    return llmq::batch::take(*batch.begin()).flags();
  };
  manager.submit(request, queue);
  manager.submit(request, queue);
  EXPECT_EQ(next_flags(), 0U);
  EXPECT_EQ(next_flags(), LLMQ_EVENT_SHARED);
  manager.submit(request, queue);
  EXPECT_EQ(next_flags(), LLMQ_EVENT_CACHED);
  EXPECT_EQ(llmq::response().flags(), 0U);
}

TEST(CompletionQueue, DescriptorIsReadableWhileThereAreEvents) {
  llmq::completion_queue queue;
  llmq::manager manager(mock_model());
  pollfd readable{queue.fd(), POLLIN, 0};
  EXPECT_EQ(poll(&readable, 1, 0), 0);
  manager.submit({"m", "{}"}, queue);
  EXPECT_EQ(poll(&readable, 1, 60'000), 1);
  llmq::batch batch;
  queue.drain(batch);
  EXPECT_EQ(poll(&readable, 1, 0), 0);
}

TEST(CompletionQueue, WakeEndsAWait) {
  llmq::completion_queue queue;
  queue.wake();
  EXPECT_FALSE(queue.wait());
}

TEST(CompletionQueue, MovedFromThrows) {
  llmq::completion_queue first;
  llmq::completion_queue second = std::move(first);
  EXPECT_THROW(first.wake(), llmq::invalid_argument_error);  // NOLINT
  EXPECT_NO_THROW(second.wake());
}

}  // namespace
