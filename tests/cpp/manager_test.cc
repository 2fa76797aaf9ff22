#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <llmq/llmq.hpp>

#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "event.h"

namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

static_assert(!std::is_copy_constructible_v<llmq::manager>);
static_assert(std::is_nothrow_move_constructible_v<llmq::manager>);
static_assert(!std::is_copy_constructible_v<llmq::response>);
static_assert(std::is_nothrow_move_constructible_v<llmq::response>);

// "m" answers at once; "idle" waits for a processor that never comes; "broken" fails every time.
llmq::conf models() {
  llmq::conf conf;
  conf.set("model.m.provider", "mock").set("model.m.mock.latency_ms", "0");
  conf.set("model.m.limits", "requests=10000/1m;concurrency=8");
  conf.set("model.idle.rpm", "60").set("model.idle.tpm", "1000");
  conf.set("model.broken.provider", "mock").set("model.broken.mock.fail_server", "1");
  conf.set("model.broken.mock.latency_ms", "0").set("model.broken.retry.max_attempts", "1");
  return conf;
}

class Manager : public testing::Test {
 protected:
  llmq::manager manager_{models()};
};

TEST_F(Manager, FutureGivesTheResponse) {
  llmq::request request{"m", R"({"messages": [{"role": "user", "content": "Hi"}]})"};
  request.metadata = "opaque";
  request.request_key = "mine";
  request.tenant = "t";
  llmq::request_id id = 0;
  const llmq::response response = manager_.submit(request, &id).get();
  EXPECT_TRUE(response.ok());
  EXPECT_EQ(response.status(), LLMQ_OK);
  EXPECT_EQ(response.state(), llmq::state::completed);
  EXPECT_NO_THROW(response.check());
  EXPECT_THAT(std::string(response.text()), HasSubstr("chat.completion"));
  EXPECT_EQ(response.metadata(), "opaque");
  EXPECT_EQ(response.request_key(), "mine");
  EXPECT_EQ(response.error_message(), "");
  EXPECT_EQ(response.attempts(), 1U);
  EXPECT_EQ(response.id(), id);
  EXPECT_THAT(std::string(response.provider_request_id()), testing::StartsWith("req-mock"));
  ASSERT_TRUE(response.usage().has_value());
  EXPECT_GT(response.usage()->input_tokens, 0);
  EXPECT_GT(response.usage()->output_tokens, 0);
  const llmq::timings times = response.timings();
  ASSERT_TRUE(times.started.has_value());
  EXPECT_LE(times.submitted, *times.started);
  EXPECT_LE(*times.started, times.finished);
  EXPECT_EQ(manager_.state(id), llmq::state::completed);
}

TEST_F(Manager, FailedRequestIsAResponseWhoseTextThrows) {
  llmq::response response = manager_.submit({"broken", "{}"}).get();
  EXPECT_EQ(response.status(), LLMQ_ERR_SERVER);
  EXPECT_EQ(response.state(), llmq::state::failed);
  EXPECT_EQ(response.http_status(), 500);
  EXPECT_THAT(std::string(response.data()), HasSubstr("server_error"));
  try {
    response.check();
    FAIL() << "passed";
  } catch (const llmq::error& e) {
    EXPECT_EQ(e.code(), LLMQ_ERR_SERVER);
    EXPECT_EQ(e.message(), response.error_message());
  }
  EXPECT_THROW(response.text(), llmq::error);
  EXPECT_THROW(std::move(response).text(), llmq::error);
}

TEST_F(Manager, EmptyResponseHasAStatus) {
  llmq::response first = manager_.submit_wait({"m", "{}"});
  const llmq::response second = std::move(first);
  EXPECT_TRUE(second.ok());
  EXPECT_EQ(first.status(), LLMQ_ERR_NOMEM);  // NOLINT: what a moved-from one says is the point
  EXPECT_EQ(first.state(), llmq::state::failed);
  EXPECT_EQ(first.data(), "");
  EXPECT_EQ(first.attempts(), 0U);
  EXPECT_FALSE(first.usage().has_value());
  EXPECT_FALSE(first.timings().started.has_value());
  EXPECT_THROW(first.check(), llmq::error);
}

TEST_F(Manager, CallbackIsCalledOnceOnTheLoopThread) {
  struct Outcome {
    llmq::request_id id = 0;
    std::thread::id thread;
  };
  std::promise<Outcome> promise;
  auto future = promise.get_future();
  // A second call would throw future_error; move-only callables are welcome.
  const llmq::request_id id =
      manager_.submit({"m", "{}"}, [promise = std::move(promise)](llmq::response r) mutable {
        promise.set_value({r.id(), std::this_thread::get_id()});
      });
  const Outcome outcome = future.get();
  EXPECT_EQ(outcome.id, id);
  EXPECT_NE(outcome.thread, std::this_thread::get_id());
}

TEST_F(Manager, CallbackMaySubmitAndThrow) {
  std::promise<llmq::status> second;
  auto future = second.get_future();
  manager_.submit({"m", "{}"}, [&](const llmq::response&) {
    manager_.submit({"m", "{}"}, [&](const llmq::response& r) { second.set_value(r.status()); });
    throw std::runtime_error("goes nowhere");
  });
  EXPECT_EQ(future.get(), LLMQ_OK);
  EXPECT_TRUE(manager_.submit_wait({"m", "{}"}).ok());
}

TEST_F(Manager, WaitingInACallbackThrows) {
  std::promise<llmq::status> told;
  auto future = told.get_future();
  manager_.submit({"m", "{}"}, [&](const llmq::response&) {
    try {
      manager_.submit_wait({"m", "{}"});
      told.set_value(LLMQ_OK);
    } catch (const llmq::invalid_argument_error& e) {
      told.set_value(e.code());
    }
  });
  EXPECT_EQ(future.get(), LLMQ_ERR_WRONG_THREAD);
}

TEST_F(Manager, CallbackOfARefusedRequestIsDroppedUncalled) {
  const auto token = std::make_shared<int>(0);
  EXPECT_THROW(manager_.submit({"nobody", "{}"}, [token](const llmq::response&) { ++*token; }),
               llmq::invalid_argument_error);
  EXPECT_EQ(token.use_count(), 1);
  EXPECT_EQ(*token, 0);
}

TEST_F(Manager, RefusalHasTheLibrarysWords) {
  try {
    manager_.submit({"nobody", "{}"});
    FAIL() << "accepted";
  } catch (const llmq::invalid_argument_error& e) {
    EXPECT_EQ(e.code(), LLMQ_ERR_UNKNOWN_MODEL);
    EXPECT_THAT(e.what(), HasSubstr("nobody"));
  }
  llmq::request large{"idle", "{}"};
  large.est_input_tokens = 1'000'000;
  try {
    manager_.submit(large);
    FAIL() << "accepted";
  } catch (const llmq::invalid_argument_error& e) {
    EXPECT_EQ(e.code(), LLMQ_ERR_OVERSIZE);
    EXPECT_THAT(e.what(), HasSubstr("1000"));
  }
}

TEST_F(Manager, CancelledRequestEndsWithItsOwnError) {
  llmq::request_id id = 0;
  std::future<llmq::response> future = manager_.submit({"idle", "{}"}, &id);
  EXPECT_EQ(manager_.state(id), llmq::state::pending);
  EXPECT_TRUE(manager_.cancel(id));
  const llmq::response response = future.get();
  EXPECT_EQ(response.state(), llmq::state::cancelled);
  EXPECT_THROW(response.check(), llmq::cancelled_error);
  EXPECT_FALSE(manager_.cancel(id));
  EXPECT_THROW(manager_.cancel(0), llmq::invalid_argument_error);
}

TEST_F(Manager, DeadlineExpires) {
  llmq::request request{"idle", "{}"};
  request.deadline = llmq::clock::now() + 5ms;
  const llmq::response response = manager_.submit(request).get();
  EXPECT_EQ(response.state(), llmq::state::expired);
  EXPECT_THROW(response.check(), llmq::timeout_error);
}

TEST_F(Manager, SubmitWaitThrowsWhenTheTimeIsOver) {
  EXPECT_TRUE(manager_.submit_wait({"m", "{}"}, 1min).ok());
  EXPECT_THROW(manager_.submit_wait({"idle", "{}"}, 5ms), llmq::timeout_error);
}

TEST_F(Manager, KeptResponseIsReadById) {
  llmq::request slow{"idle", "{}"};
  slow.est_input_tokens = 1;
  const llmq::request_id pending = manager_.submit_kept(slow);
  EXPECT_FALSE(manager_.get(pending).has_value());
  manager_.cancel(pending);

  llmq::request request{"m", "{}"};
  request.keep = true;
  llmq::request_id id = 0;
  manager_.submit(request, &id).wait();
  const auto kept = manager_.get(id);
  ASSERT_TRUE(kept.has_value());
  EXPECT_THAT(std::string(kept->text()), HasSubstr("chat.completion"));
  EXPECT_THROW(manager_.get(id), llmq::error);  // moved out
  const auto peeked = manager_.peek(id);
  ASSERT_TRUE(peeked.has_value());
  EXPECT_EQ(peeked->data(), "");
  EXPECT_TRUE(peeked->usage().has_value());
}

TEST_F(Manager, ModelsComeAndGo) {
  llmq::conf more;
  more.set("model.n.provider", "mock").set("model.n.mock.latency_ms", "0");
  manager_.register_models(more);
  EXPECT_THROW(manager_.register_models(more), llmq::invalid_argument_error);
  EXPECT_NO_THROW(manager_.register_models(more, true));
  EXPECT_TRUE(manager_.submit_wait({"n", "{}"}).ok());
  EXPECT_EQ(manager_.models_json(), R"(["m","idle","broken","n"])");
  manager_.remove_model("n");
  EXPECT_THROW(manager_.submit({"n", "{}"}), llmq::error);
  EXPECT_THROW(manager_.remove_model("nobody"), llmq::invalid_argument_error);
}

TEST_F(Manager, TellsItsCounters) {
  manager_.submit_wait({"m", "{}"});
  manager_.submit_wait({"broken", "{}"});
  manager_.info_json();  // goes through the loop: the turn that ended the requests is over
  EXPECT_EQ(manager_.stats().submitted, 2U);
  EXPECT_EQ(manager_.stats("m").completed, 1U);
  EXPECT_EQ(manager_.stats("broken").failed, 1U);
  EXPECT_THROW(manager_.stats("nobody"), llmq::invalid_argument_error);
  EXPECT_THAT(manager_.stats_json(), HasSubstr("submitted"));
  EXPECT_THAT(manager_.info_json(), HasSubstr("broken"));
  EXPECT_THAT(manager_.info_json("m"), testing::Not(HasSubstr("broken")));
}

TEST_F(Manager, DestructionCancelsWhatIsLeft) {
  std::vector<std::future<llmq::response>> futures;
  {
    llmq::manager mine(models());
    for (int i = 0; i < 10; ++i) futures.push_back(mine.submit({"idle", "{}"}));
  }
  for (auto& future : futures) EXPECT_EQ(future.get().status(), LLMQ_ERR_CLOSING);
}

TEST_F(Manager, ShutdownDrains) {
  std::vector<std::future<llmq::response>> futures;
  for (int i = 0; i < 20; ++i) futures.push_back(manager_.submit({"m", "{}"}));
  manager_.shutdown_wait();
  for (auto& future : futures) EXPECT_TRUE(future.get().ok());
  EXPECT_THROW(manager_.submit({"m", "{}"}), llmq::closed_error);
  EXPECT_NO_THROW(manager_.shutdown_wait());
}

TEST_F(Manager, ShutdownAbortsAtItsDeadline) {
  auto future = manager_.submit({"idle", "{}"});
  manager_.shutdown_wait(llmq::shutdown_mode::drain, llmq::clock::now() + 5ms);
  EXPECT_THROW(future.get().check(), llmq::closed_error);
}

TEST_F(Manager, MoveKeepsWhatRuns) {
  auto future = manager_.submit({"m", "{}"});
  llmq::manager moved = std::move(manager_);
  EXPECT_TRUE(future.get().ok());
  EXPECT_THROW(manager_.submit({"m", "{}"}), llmq::invalid_argument_error);  // NOLINT
  manager_ = std::move(moved);
  EXPECT_TRUE(manager_.submit_wait({"m", "{}"}).ok());
}

TEST_F(Manager, MayBeDestroyedInItsOwnCallback) {
  auto mine = std::make_unique<llmq::manager>(models());
  llmq::manager& same = *mine;
  auto left = same.submit({"idle", "{}"});
  Event gone;
  same.submit({"m", "{}"}, [&gone, mine = std::move(mine)](const llmq::response&) mutable {
    mine.reset();
    gone.set();
  });
  EXPECT_TRUE(gone.wait());
  EXPECT_EQ(left.get().status(), LLMQ_ERR_CLOSING);
}

TEST(ManagerCreation, ThrowsWithTheKeyAtFault) {
  llmq::conf conf;
  conf.set("model.m.provider", "openai").set("model.m.api_key_env", "LLMQ_TEST_NO_SUCH_VARIABLE");
  try {
    const llmq::manager manager(conf);
    FAIL() << "created";
  } catch (const llmq::error& e) {
    EXPECT_THAT(e.what(), HasSubstr("LLMQ_TEST_NO_SUCH_VARIABLE"));
  }
}

TEST(ManagerDeployments, ComeAndGo) {
  llmq::conf conf;
  conf.set("model.x.provider", "mock").set("model.x.mock.latency_ms", "1");
  conf.set("model.x.deployments.a.rpm", "1");
  llmq::manager manager(conf);
  EXPECT_EQ(manager.submit_wait({"x", "{}"}).deployment(), "a");
  llmq::conf more;
  more.set("model.x.deployments.b.rpm", "9");
  manager.add_deployment("x", "b", more);
  EXPECT_EQ(manager.submit_wait({"x", "{}"}).deployment(), "b");
  EXPECT_THROW(manager.add_deployment("x", "b", more), llmq::error);
  manager.remove_deployment("x", "a");
  EXPECT_THROW(manager.remove_deployment("x", "b"), llmq::error);
  EXPECT_EQ(manager.submit_wait({"x", "{}"}).deployment(), "b");
}

TEST_F(Manager, TakesTheLimitsThatAnotherSdkSaw) {
  EXPECT_NO_THROW(manager_.report_limits("m", {{"x-ratelimit-limit-requests", "60"}, {"", ""}}));
  const std::map<std::string, std::string> headers{{"x-ratelimit-remaining-requests", "59"}};
  EXPECT_NO_THROW(manager_.report_limits("m", headers));
  EXPECT_NO_THROW(manager_.report_limits("m", {}));
  EXPECT_THROW(manager_.report_limits("nobody", headers), llmq::error);
  std::optional<llmq::permit> permit = manager_.try_acquire({"m", ""});
  ASSERT_TRUE(permit.has_value());
  EXPECT_NO_THROW(permit->report_limits({{"x-ratelimit-limit-requests", "60"}}));
  EXPECT_NO_THROW(permit->report_limits(headers));
  EXPECT_TRUE(permit->release());
}

}  // namespace
