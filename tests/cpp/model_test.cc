#include <gtest/gtest.h>
#include <llmq/llmq.hpp>

#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

struct Question {
  int number = 0;
};

// Has no default and cannot be copied: neither is asked of a result.
class Answer {
 public:
  explicit Answer(int number) : number_(number) {}
  Answer(Answer&&) = default;
  Answer& operator=(Answer&&) = default;
  int number() const { return number_; }

 private:
  int number_;
};

llmq::codec<Question> questions() {
  return {[](const Question& q) {
            if (q.number == 13) throw std::domain_error("not this number");
            return std::to_string(q.number);
          },
          [](std::string_view text) { return Question{std::stoi(std::string(text))}; }};
}

llmq::codec<Answer> answers() {
  return {[](const Answer& a) { return std::to_string(a.number()); },
          [](std::string_view text) { return Answer(std::stoi(std::string(text))); }};
}

llmq::conf own_model() {
  llmq::conf conf;
  conf.set("model.twice.rpm", "10000");
  conf.set("model.twice.retry.base_ms", "1").set("model.twice.retry.cap_ms", "1");
  return conf;
}

class Model : public testing::Test {
 protected:
  llmq::manager manager_{own_model()};
  llmq::model<Question, Answer> twice_{manager_, "twice", questions(), answers()};
};

TEST_F(Model, CarriesTypesBothWays) {
  twice_.set_processor([](const Question& q) { return Answer(q.number * 2); });
  EXPECT_EQ(twice_.name(), "twice");
  EXPECT_EQ(twice_.submit(Question{21}).get().number(), 42);
  EXPECT_EQ(twice_.submit({4}).get().number(), 8);
}

TEST_F(Model, OptionsGiveTheRestOfTheRequest) {
  manager_.set_processor("twice", [](llmq::attempt job) {
    job.succeed(job.tenant() == "t" && job.payload() == "1" ? "1" : "0");
  });
  llmq::request options;
  options.model = "another";
  options.payload = "another";
  options.tenant = "t";
  llmq::request_id id = 0;
  EXPECT_EQ(twice_.submit(Question{1}, options, &id).get().number(), 1);
  EXPECT_EQ(manager_.state(id), llmq::state::completed);
}

TEST_F(Model, RunsWhereTheExecutorPutsIt) {
  std::vector<std::thread> threads;  // touched on the loop thread alone, until the manager has gone
  std::promise<std::thread::id> ran;
  auto where = ran.get_future();
  twice_.set_processor(
      [&](const Question& q) {
        ran.set_value(std::this_thread::get_id());
        return Answer(q.number + 1);
      },
      [&](std::function<void()> task) { threads.emplace_back(std::move(task)); });
  EXPECT_EQ(twice_.submit(Question{1}).get().number(), 2);
  { const llmq::manager ended = std::move(manager_); }
  ASSERT_EQ(threads.size(), 1U);
  EXPECT_EQ(where.get(), threads[0].get_id());
  threads[0].join();
}

TEST_F(Model, ExecutorThatThrowsAbandonsTheAttempt) {
  twice_.set_processor([](const Question& q) { return Answer(q.number); },
                       [](const std::function<void()>&) { throw std::runtime_error("closed"); });
  try {
    twice_.submit(Question{1}).get();
    FAIL() << "succeeded";
  } catch (const llmq::error& e) {
    EXPECT_EQ(e.code(), LLMQ_ERR_ABANDONED);
  }
}

TEST_F(Model, WhatAProcessorThrowsIsTheFailure) {
  twice_.set_processor([](const Question& q) -> Answer {
    if (q.number == 1) throw llmq::rejected_error(LLMQ_ERR_CONTENT_FILTER, "not nice");
    if (q.number == 2) throw std::runtime_error("broke");
    throw 3;  // NOLINT
  });
  try {
    twice_.submit(Question{1}).get();
    FAIL() << "succeeded";
  } catch (const llmq::rejected_error& e) {
    EXPECT_EQ(e.code(), LLMQ_ERR_CONTENT_FILTER);
    EXPECT_EQ(e.message(), "not nice");
  }
  for (const int number : {2, 3}) {
    try {
      twice_.submit(Question{number}).get();
      FAIL() << "succeeded";
    } catch (const llmq::error& e) {
      EXPECT_EQ(e.code(), LLMQ_ERR_PROCESSING);
      EXPECT_NE(e.message(), "");
    }
  }
}

TEST_F(Model, RetryableExceptionIsTriedAgain) {
  int calls = 0;
  twice_.set_processor([&](const Question& q) {
    if (++calls == 1) throw llmq::rate_limited_error(LLMQ_ERR_OVERLOADED, "busy");
    return Answer(q.number);
  });
  EXPECT_EQ(twice_.submit(Question{5}).get().number(), 5);
  EXPECT_EQ(calls, 2);
}

TEST_F(Model, WhatEncodeThrowsComesOutOfSubmit) {
  EXPECT_THROW(twice_.submit(Question{13}), std::domain_error);
}

TEST_F(Model, WhatDecodeThrowsComesOutOfTheFuture) {
  manager_.set_processor("twice", [](llmq::attempt job) { job.succeed("not a number"); });
  EXPECT_THROW(twice_.submit(Question{1}).get(), std::invalid_argument);
}

TEST_F(Model, FailedRequestThrowsItsError) {
  llmq::request_id id = 0;
  auto future = twice_.submit(Question{1}, {}, &id);
  manager_.cancel(id);
  EXPECT_THROW(future.get(), llmq::cancelled_error);
}

TEST_F(Model, MayOutliveItsManager) {
  { const llmq::manager ended = std::move(manager_); }
  EXPECT_THROW(twice_.submit(Question{1}), llmq::closed_error);
}

TEST_F(Model, NeedsTheCodecsThatItUses) {
  using Twice = llmq::model<Question, Answer>;
  EXPECT_THROW(Twice(manager_, "twice", {}, answers()), llmq::invalid_argument_error);
  EXPECT_THROW(Twice(manager_, "twice", questions(), {}), llmq::invalid_argument_error);
  Twice client(manager_, "twice", questions().encode, answers().decode);
  EXPECT_THROW(client.set_processor([](const Question&) { return Answer(1); }),
               llmq::invalid_argument_error);
  Twice copy = client;
  twice_.set_processor([](const Question& q) { return Answer(q.number); });
  EXPECT_EQ(copy.submit(Question{6}).get().number(), 6);
}

}  // namespace
