// Workers and permits: who runs the attempts himself.
#include <gtest/gtest.h>
#include <llmq/llmq.hpp>

#include <chrono>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

namespace {

static_assert(!std::is_copy_constructible_v<llmq::work>);
static_assert(std::is_nothrow_move_constructible_v<llmq::work>);
static_assert(!std::is_copy_constructible_v<llmq::permit>);
static_assert(std::is_nothrow_move_constructible_v<llmq::permit>);

llmq::conf narrow() {
  llmq::conf conf;
  conf.set("model.own.limits", "concurrency=1");
  return conf;
}

TEST(Worker, PullsUntilItIsStopped) {
  llmq::manager manager(narrow());
  llmq::worker worker(manager.handle(), "own");
  std::thread puller([&worker] {
    while (auto work = worker.next()) {
      EXPECT_TRUE(work->heartbeat());
      EXPECT_TRUE(work->succeed("answer to " + std::string(work->payload())));
    }
  });
  llmq::request request{"own", "x"};
  request.operation = llmq::operation::custom;
  EXPECT_EQ(manager.submit(request).get().text(), "answer to x");
  EXPECT_EQ(manager.submit(request).get().text(), "answer to x");
  worker.stop();
  puller.join();
  EXPECT_FALSE(worker.next(std::chrono::nanoseconds(0)).has_value());
}

TEST(Worker, WaitsForTheLongestTimeThereIs) {
  llmq::conf conf;
  conf.set("model.own.limits", "requests=1/1s");
  llmq::manager manager(conf);
  llmq::worker worker(manager.handle(), "own");
  llmq::request request{"own", "x"};
  request.operation = llmq::operation::custom;
  auto first = manager.submit(request);
  auto second = manager.submit(request);
  for (int i = 0; i < 2; ++i) {
    auto work = worker.next(std::chrono::nanoseconds::max());
    ASSERT_TRUE(work.has_value());
    EXPECT_TRUE(work->succeed("y"));
  }
  EXPECT_EQ(first.get().text(), "y");
  EXPECT_EQ(second.get().text(), "y");
}

TEST(Worker, DroppedWorkIsAbandonedAndACancelIsHeardOf) {
  llmq::manager manager(narrow());
  llmq::attempt_id stopped = 0;
  llmq::worker worker(manager.handle(), "own", llmq::forever,
                      [&stopped](llmq::attempt_id id) { stopped = id; });
  llmq::request request{"own", "x"};
  request.operation = llmq::operation::custom;
  auto answer = manager.submit(request);
  { const auto dropped = worker.next(); }
  EXPECT_EQ(answer.get().status(), LLMQ_ERR_ABANDONED);
  llmq::request_id id = 0;
  answer = manager.submit(request, &id);
  auto work = worker.next();
  ASSERT_TRUE(work.has_value());
  EXPECT_TRUE(manager.cancel(id));
  EXPECT_EQ(answer.get().status(), LLMQ_ERR_CANCELLED);
  EXPECT_FALSE(worker.next(std::chrono::milliseconds(1)).has_value());
  while (stopped == 0) worker.next(std::chrono::milliseconds(1));
  EXPECT_EQ(stopped, work->id());
  EXPECT_FALSE(work->heartbeat());
  EXPECT_FALSE(work->succeed("late"));
}

TEST(Permit, WaitsForTheOneBefore) {
  llmq::manager manager(narrow());
  const llmq::request call{"own"};
  llmq::permit first = manager.acquire(call).get();
  EXPECT_EQ(first.model(), "own");
  EXPECT_EQ(first.deployment(), "");
  std::chrono::nanoseconds wait{-1};
  EXPECT_FALSE(manager.try_acquire(call, &wait).has_value());
  EXPECT_GE(wait.count(), 0);
  auto second = manager.acquire(call);
  EXPECT_TRUE(first.heartbeat());
  EXPECT_TRUE(first.release(llmq::usage{3, 2}));
  EXPECT_FALSE(first.release());
  llmq::permit moved = second.get();
  llmq::permit other = std::move(moved);
  EXPECT_TRUE(other.fail(LLMQ_ERR_SERVER, "no"));
  EXPECT_TRUE(manager.try_acquire(call).has_value()) << "and dropped at once";
  EXPECT_TRUE(manager.try_acquire(call)->release());
}

TEST(Permit, ThatWillNotComeThrows) {
  llmq::manager manager(narrow());
  const llmq::request call{"own"};
  const llmq::permit first = manager.acquire(call).get();
  llmq::request_id id = 0;
  auto second = manager.acquire(call, &id);
  EXPECT_TRUE(manager.cancel(id));
  EXPECT_THROW(second.get(), llmq::cancelled_error);
  EXPECT_THROW(manager.acquire(llmq::request{"unknown"}), llmq::invalid_argument_error);
}

}  // namespace
