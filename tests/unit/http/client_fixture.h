// A loop with a client on it, run by the test until what it waits for has happened.
#ifndef LLMQ_TESTS_UNIT_HTTP_CLIENT_FIXTURE_H_
#define LLMQ_TESTS_UNIT_HTTP_CLIENT_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <uv.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "http/client.h"
#include "scripted_server.h"

namespace llmq::http {

// How one call went, filled in as it goes.
struct Watched {
  int sent = 0;
  int done = 0;
  bool sent_before_done = true;
  CallResult result;
};

class HttpClient : public ::testing::Test {
 protected:
  HttpClient() {
    uv_loop_init(&loop_);
    uv_async_init(&loop_, &wake_, [](uv_async_t*) {});
    uv_timer_init(&loop_, &limit_);
    uv_prepare_init(&loop_, &look_);
    limit_.data = look_.data = this;
    create({});
  }

  ~HttpClient() override {
    close();
    uv_close(reinterpret_cast<uv_handle_t*>(&wake_), nullptr);
    uv_close(reinterpret_cast<uv_handle_t*>(&limit_), nullptr);
    uv_close(reinterpret_cast<uv_handle_t*>(&look_), nullptr);
    uv_run(&loop_, UV_RUN_DEFAULT);
    EXPECT_EQ(uv_loop_close(&loop_), 0) << "a handle was left open";
  }

  // Replaces the client.
  void create(const ClientOptions& options) {
    close();
    auto created = create_client(&loop_, options);
    ASSERT_TRUE(created);
    client_ = std::move(created.value());
  }

  void close() {
    if (client_ == nullptr) return;
    bool closed = false;
    client_->close([&closed] { closed = true; });
    EXPECT_FALSE(closed) << "called back inside close()";
    run_until([&closed] { return closed; });
    client_.reset();
  }

  // Turns the loop until it is so. Fails the test, instead of hanging, after a time that no machine
  // needs.
  void run_until(const std::function<bool()>& is_so) {
    late_ = false;
    is_so_ = &is_so;
    uv_timer_start(
        &limit_, [](uv_timer_t* timer) { static_cast<HttpClient*>(timer->data)->late_ = true; },
        120'000, 0);
    // What happened among the timers must be seen before the loop sleeps.
    uv_prepare_start(&look_, [](uv_prepare_t* look) {
      auto* const self = static_cast<HttpClient*>(look->data);
      if (self->late_ || (*self->is_so_)()) uv_stop(&self->loop_);
    });
    while (!late_ && !is_so()) uv_run(&loop_, UV_RUN_ONCE);
    uv_prepare_stop(&look_);
    uv_timer_stop(&limit_);
    ASSERT_FALSE(late_) << "what the test waits for never came";
  }

  // Makes run_until look again; from any thread.
  void wake() { uv_async_send(&wake_); }

  static Call call_to(const std::string& url, std::string_view body = "{}") {
    Call call;
    call.wire.url = url;
    call.wire.headers = {{"Content-Type", "application/json"},
                         {"Authorization", "Bearer sk-very-secret"}};
    call.body = body;
    return call;
  }

  CallId start(Call call, Watched* watched) {
    return client_->start(
        std::move(call), [watched] { ++watched->sent; },
        [watched](CallResult result) {
          ++watched->done;
          watched->sent_before_done = result.sent == (watched->sent == 1);
          watched->result = std::move(result);
        });
  }

  Watched run(Call call) {
    Watched watched;
    start(std::move(call), &watched);
    EXPECT_EQ(watched.done, 0) << "called back inside start()";
    run_until([&watched] { return watched.done > 0; });
    EXPECT_LE(watched.sent, 1);
    EXPECT_TRUE(watched.sent_before_done);
    EXPECT_THAT(watched.result.message, ::testing::Not(::testing::HasSubstr("secret")));
    return watched;
  }

  uv_loop_t loop_{};
  uv_async_t wake_{};
  uv_timer_t limit_{};
  uv_prepare_t look_{};
  const std::function<bool()>* is_so_ = nullptr;
  bool late_ = false;
  std::unique_ptr<Client> client_;
};

}  // namespace llmq::http

#endif  // LLMQ_TESTS_UNIT_HTTP_CLIENT_FIXTURE_H_
