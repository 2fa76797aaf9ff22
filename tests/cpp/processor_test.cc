#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <llmq/llmq.hpp>

#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include "event.h"

namespace {

static_assert(!std::is_copy_constructible_v<llmq::attempt>);
static_assert(std::is_nothrow_move_constructible_v<llmq::attempt>);
static_assert(std::is_nothrow_move_assignable_v<llmq::attempt>);

llmq::conf own_model() {
  llmq::conf conf;
  conf.set("model.own.limits", "requests=10000/1m;concurrency=4");
  conf.set("model.own.retry.base_ms", "1").set("model.own.retry.cap_ms", "1");
  conf.set("model.mock.provider", "mock");
  return conf;
}

class Processor : public testing::Test {
 protected:
  llmq::manager manager_{own_model()};
};

TEST_F(Processor, SucceedsAtOnce) {
  manager_.set_processor("own", [](llmq::attempt attempt) {
    EXPECT_EQ(attempt.number(), 1U);
    EXPECT_NE(attempt.id(), 0U);
    const std::string answer = std::string(attempt.model()) + "," + std::string(attempt.tenant()) +
                               "," + std::string(attempt.request_key()) + "," +
                               std::string(attempt.metadata()) + "," +
                               std::string(attempt.payload());
    EXPECT_TRUE(attempt.succeed(answer, llmq::usage{7, 8, 1, 2, 3}));
    EXPECT_TRUE(attempt.reported());
    EXPECT_EQ(attempt.payload(), "");
    EXPECT_FALSE(attempt.succeed("again"));
    EXPECT_FALSE(attempt.fail(LLMQ_ERR_PROCESSING));
  });
  llmq::request request{"own", "payload"};
  request.operation = llmq::operation::custom;
  request.tenant = "tenant";
  request.request_key = "key";
  request.metadata = "metadata";
  const llmq::response response = manager_.submit(request).get();
  EXPECT_EQ(response.text(), "own,tenant,key,metadata,payload");
  const std::optional<llmq::usage> usage = response.usage();
  ASSERT_TRUE(usage.has_value());
  EXPECT_EQ(usage->input_tokens, 7);
  EXPECT_EQ(usage->output_tokens, 8);
  EXPECT_EQ(usage->cached_input_tokens, 1);
  EXPECT_EQ(usage->cost_micros, 2);
  EXPECT_EQ(usage->reasoning_tokens, 3);
}

TEST_F(Processor, SucceedsLaterFromAnotherThread) {
  std::promise<llmq::attempt> handed;
  auto future = handed.get_future();
  manager_.set_processor("own", [&](llmq::attempt job) { handed.set_value(std::move(job)); });
  auto answer = manager_.submit({"own", "abc"});
  std::thread worker([&] {
    llmq::attempt job = future.get();
    EXPECT_EQ(job.payload(), "abc");
    EXPECT_TRUE(job.succeed(std::string(job.payload()) + "!"));
  });
  EXPECT_EQ(answer.get().text(), "abc!");
  worker.join();
}

TEST_F(Processor, RetryableFailureIsTriedAgain) {
  manager_.set_processor("own", [](llmq::attempt job) {
    if (job.number() < 3) {
      job.fail(LLMQ_ERR_OVERLOADED, "busy");
    } else {
      job.succeed("third");
    }
  });
  const llmq::response response = manager_.submit({"own", ""}).get();
  EXPECT_EQ(response.text(), "third");
  EXPECT_EQ(response.attempts(), 3U);
}

TEST_F(Processor, OwnFailureIsFinal) {
  manager_.set_processor("own",
                         [](llmq::attempt job) { job.fail(LLMQ_ERR_PROCESSING, "no such word"); });
  const llmq::response response = manager_.submit({"own", ""}).get();
  EXPECT_EQ(response.status(), LLMQ_ERR_PROCESSING);
  EXPECT_EQ(response.error_message(), "no such word");
  EXPECT_EQ(response.attempts(), 1U);
}

TEST_F(Processor, WrongReportLeavesTheAttemptRunning) {
  manager_.set_processor("own", [](llmq::attempt job) {
    EXPECT_THROW(job.fail(LLMQ_OK), llmq::invalid_argument_error);
    EXPECT_FALSE(job.reported());
    job.succeed("right");
  });
  EXPECT_EQ(manager_.submit({"own", ""}).get().text(), "right");
}

TEST_F(Processor, DroppedAttemptIsAbandoned) {
  manager_.set_processor("own", [](const llmq::attempt&) {});
  EXPECT_EQ(manager_.submit({"own", ""}).get().status(), LLMQ_ERR_ABANDONED);
}

TEST_F(Processor, ExceptionAbandonsTheAttempt) {
  manager_.set_processor("own", [](const llmq::attempt&) { throw std::runtime_error("oops"); });
  EXPECT_EQ(manager_.submit({"own", ""}).get().status(), LLMQ_ERR_ABANDONED);
}

TEST_F(Processor, AssignmentAbandonsWhatWasHeld) {
  std::optional<llmq::attempt> held;
  manager_.set_processor("own", [&](llmq::attempt job) {
    if (held) {
      *held = std::move(job);
      held->succeed("kept");
    } else {
      held.emplace(std::move(job));
    }
  });
  auto first = manager_.submit({"own", ""});
  auto second = manager_.submit({"own", ""});
  EXPECT_EQ(first.get().status(), LLMQ_ERR_ABANDONED);
  EXPECT_EQ(second.get().text(), "kept");
}

TEST_F(Processor, HearsOfACancelledAttempt) {
  std::promise<llmq::attempt> started;
  auto job = started.get_future();
  std::promise<llmq::attempt_id> stopped;
  manager_.set_processor(
      "own", [&](llmq::attempt a) { started.set_value(std::move(a)); },
      [&](llmq::attempt_id id) { stopped.set_value(id); });
  llmq::request_id id = 0;
  auto answer = manager_.submit({"own", "still readable"}, &id);
  llmq::attempt running = job.get();
  EXPECT_EQ(running.request_id(), id);
  EXPECT_EQ(manager_.state(id), llmq::state::processing);
  manager_.cancel(id);
  EXPECT_EQ(stopped.get_future().get(), running.id());
  EXPECT_EQ(answer.get().status(), LLMQ_ERR_CANCELLED);
  EXPECT_EQ(running.payload(), "still readable");
  EXPECT_FALSE(running.succeed("too late"));
}

TEST_F(Processor, AttemptMayOutliveItsManager) {
  std::promise<llmq::attempt> started;
  auto job = started.get_future();
  auto mine = std::make_unique<llmq::manager>(own_model());
  mine->set_processor("own", [&](llmq::attempt a) { started.set_value(std::move(a)); });
  auto answer = mine->submit({"own", "payload"});
  llmq::attempt running = job.get();
  mine.reset();
  EXPECT_EQ(answer.get().status(), LLMQ_ERR_CLOSING);
  EXPECT_EQ(running.payload(), "payload");
  EXPECT_FALSE(running.succeed("too late"));
}

TEST_F(Processor, IsFreedWhenReplacedRefusedAndAtTheEnd) {
  const auto token = std::make_shared<int>(0);
  const auto processor = [token](llmq::attempt job) { job.succeed("x"); };
  const long mine = token.use_count();
  EXPECT_THROW(manager_.set_processor("mock", processor), llmq::invalid_argument_error);
  EXPECT_THROW(manager_.set_processor("nobody", processor), llmq::invalid_argument_error);
  EXPECT_EQ(token.use_count(), mine);
  manager_.set_processor("own", processor);
  EXPECT_EQ(token.use_count(), mine + 1);
  manager_.set_processor("own", [](llmq::attempt job) { job.succeed("y"); });
  EXPECT_EQ(manager_.submit({"own", ""}).get().text(), "y");
  EXPECT_EQ(token.use_count(), mine);
  manager_.set_processor("own", processor);
  EXPECT_EQ(manager_.submit({"own", ""}).get().text(), "x");
  { const llmq::manager ended = std::move(manager_); }
  EXPECT_EQ(token.use_count(), mine);
}

TEST_F(Processor, LateUsageIsTaken) {
  manager_.set_processor("own", [](llmq::attempt job) { job.succeed("x"); });
  llmq::request request{"own", ""};
  request.late_usage = true;
  llmq::request_id id = 0;
  EXPECT_FALSE(manager_.submit(request, &id).get().usage().has_value());
  manager_.update_usage(id, llmq::usage{3, 4, 0, 0});
  EXPECT_EQ(manager_.peek(id)->usage()->output_tokens, 4);
  EXPECT_THROW(manager_.update_usage(id, llmq::usage{3, 4, 0, 0}), llmq::error);
}

}  // namespace
