// The mock provider on a thread of the test's own process, for tests that make memory run out: that
// thread gets all it asks for.
#ifndef LLMQ_TESTS_SUPPORT_MOCK_THREAD_H_
#define LLMQ_TESTS_SUPPORT_MOCK_THREAD_H_

#include <uv.h>

#include <cstdio>
#include <cstdlib>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "mock/server.h"
#include "support/failing_memory.h"

namespace llmq::test {

class MockThread {
 public:
  explicit MockThread(const mock::Options& options = {}) {
    std::promise<uint16_t> started;
    thread_ = std::thread([this, &options, &started] { run(options, started); });
    port_ = started.get_future().get();
  }
  ~MockThread() {
    uv_async_send(&stop_);
    thread_.join();
  }
  MockThread(const MockThread&) = delete;
  MockThread& operator=(const MockThread&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/v1"; }

 private:
  void run(const mock::Options& options, std::promise<uint16_t>& started) {
    spare_this_thread();
    uv_loop_t loop;
    uv_loop_init(&loop);
    uv_async_init(&loop, &stop_, [](uv_async_t* handle) {
      static_cast<MockThread*>(handle->data)->server_->stop([] {});
      uv_close(reinterpret_cast<uv_handle_t*>(handle), nullptr);
    });
    stop_.data = this;
    auto server = mock::Server::start(&loop, options);
    if (!server.ok()) {
      std::fputs("the mock provider does not start\n", stderr);
      std::abort();
    }
    server_ = std::move(server.value());
    started.set_value(server_->port());
    uv_run(&loop, UV_RUN_DEFAULT);
    server_.reset();
    uv_loop_close(&loop);
  }

  std::unique_ptr<mock::Server> server_;
  uv_async_t stop_{};
  uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace llmq::test

#endif  // LLMQ_TESTS_SUPPORT_MOCK_THREAD_H_
