// Answers that are handed over while they come.
#include <atomic>
#include <future>
#include <vector>

#include "client_fixture.h"

namespace llmq::http {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

constexpr std::string_view kHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
constexpr std::string_view kEnd = "0\r\n\r\n";

std::string chunk(std::string_view bytes) {
  char length[20];
  std::snprintf(length, sizeof length, "%zx\r\n", bytes.size());
  return std::string(length).append(bytes).append("\r\n");
}

class HttpStream : public HttpClient {
 protected:
  Call streamed(const std::string& url) {
    Call call = call_to(url);
    call.on_data = [this](const provider::WireResponse& head, std::string_view bytes) {
      head_ = head;
      got_.append(bytes);
      largest_ = std::max(largest_, bytes.size());
      return !pause_;
    };
    return call;
  }

  provider::WireResponse head_;
  std::string got_;
  size_t largest_ = 0;
  bool pause_ = false;
};

TEST_F(HttpStream, HandsOverWhatHasComeBeforeTheAnswerEnds) {
  std::promise<void> first_seen;
  ScriptedServer server([&](Connection& connection) {
    EXPECT_THAT(connection.read_request().value_or(""), Not(HasSubstr("Accept-Encoding")));
    connection.write(std::string(kHead) + chunk("data: 1\n\n"));
    first_seen.get_future().wait();
    connection.write(chunk("data: 2\n\n") + std::string(kEnd));
    connection.wait_for_end();
  });
  Watched watched;
  start(streamed(server.url()), &watched);
  run_until([this] { return got_ == "data: 1\n\n"; });
  EXPECT_EQ(watched.done, 0);
  EXPECT_EQ(head_.http_status, 200);
  EXPECT_THAT(head_.headers, Contains(Pair("Content-Type", "text/event-stream")));
  first_seen.set_value();
  run_until([&] { return watched.done == 1; });
  EXPECT_EQ(got_, "data: 1\n\ndata: 2\n\n");
  EXPECT_EQ(watched.result.status, core::Status::kOk);
  EXPECT_EQ(watched.result.response.http_status, 200);
  EXPECT_EQ(watched.result.response.body, "");
  EXPECT_THAT(watched.result.response.headers, Contains(Pair("Content-Type", "text/event-stream")));
}

TEST_F(HttpStream, KeepsBytesInOrderHoweverTheyAreCut) {
  const std::string body = "data: {\"a\":\"\xc3\xa9\"}\r\n\r\ndata: [DONE]\n\n";
  ScriptedServer server([&](Connection& connection) {
    while (connection.read_request()) {
      const std::string answer = std::string(kHead) + chunk(body) + std::string(kEnd);
      for (const char byte : answer) connection.write({&byte, 1});
    }
  });
  for (int i = 0; i < 3; ++i) {
    got_.clear();
    EXPECT_EQ(run(streamed(server.url())).result.status, core::Status::kOk);
    EXPECT_EQ(got_, body);
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(HttpStream, ErrorsComeWhole) {
  ScriptedServer server([](Connection& connection) {
    connection.read_request();
    connection.write(answer("{\"error\":\"slow down\"}", "429 Too Many"));
    connection.wait_for_end();
  });
  const Watched watched = run(streamed(server.url()));
  EXPECT_EQ(watched.result.response.http_status, 429);
  EXPECT_EQ(watched.result.response.body, "{\"error\":\"slow down\"}");
  EXPECT_EQ(got_, "");
}

TEST_F(HttpStream, ACutAnswerIsAFailure) {
  ScriptedServer server([](Connection& connection) {
    connection.read_request();
    connection.write(std::string(kHead) + chunk("data: 1\n\n"));
  });
  const Watched watched = run(streamed(server.url()));
  EXPECT_EQ(watched.result.status, core::Status::kTransport);
  EXPECT_THAT(watched.result.message, HasSubstr("in the middle of its answer"));
  EXPECT_EQ(got_, "data: 1\n\n");
}

TEST_F(HttpStream, ATooLongAnswerIsAFailure) {
  ClientOptions options;
  options.max_response_bytes = 100'000;
  create(options);
  ScriptedServer server([](Connection& connection) {
    connection.read_request();
    connection.write(std::string(kHead));
    for (int i = 0; i < 200; ++i) connection.write(chunk(std::string(1000, 'x')));
    connection.wait_for_end();
  });
  const Watched watched = run(streamed(server.url()));
  EXPECT_EQ(watched.result.status, core::Status::kTransport);
  EXPECT_THAT(watched.result.message, HasSubstr("longer than 100000 bytes"));
  EXPECT_LE(got_.size(), 100'000U);
}

// The server can put no more into the world than the sockets' buffers and what the client holds.
TEST_F(HttpStream, APausedReaderStopsTheServer) {
  constexpr size_t kBlock = 65'536;
  constexpr size_t kBlocks = 1024;  // 64 MiB
  std::atomic<size_t> written{0};
  ScriptedServer server([&](Connection& connection) {
    connection.read_request();
    connection.write(std::string(kHead));
    const std::string block = chunk(std::string(kBlock, 'x'));
    for (size_t i = 0; i < kBlocks; ++i) {
      connection.write(block);
      ++written;
    }
    connection.write(kEnd);
    connection.wait_for_end();
  });
  pause_ = true;
  Watched watched;
  const CallId id = start(streamed(server.url()), &watched);
  run_until([this] { return !got_.empty(); });
  const size_t first = got_.size();
  EXPECT_LE(first, 100U * 1024);
  // Every resume brings one portion, and no more than that.
  for (int i = 0; i < 20; ++i) {
    const size_t before = got_.size();
    client_->resume(id);
    EXPECT_EQ(got_.size(), before) << "called back inside resume()";
    run_until([&] { return got_.size() > before; });
    for (int turn = 0; turn < 10; ++turn) uv_run(&loop_, UV_RUN_NOWAIT);
    EXPECT_LE(got_.size() - before, 100U * 1024);
  }
  EXPECT_LT(written, kBlocks);
  EXPECT_EQ(watched.done, 0);
  pause_ = false;
  client_->resume(id);
  run_until([&] { return watched.done == 1; });
  EXPECT_EQ(watched.result.status, core::Status::kOk);
  EXPECT_EQ(got_.size(), kBlock * kBlocks);
  EXPECT_LE(largest_, 100U * 1024);
  client_->resume(id);  // of no effect
}

TEST_F(HttpStream, CancelWhilePausedClosesTheConnectionAtOnce) {
  std::atomic<bool> ended{false};
  ScriptedServer server([&](Connection& connection) {
    connection.read_request();
    connection.write(std::string(kHead) + chunk("data: 1\n\n"));
    connection.wait_for_end();
    ended = true;
    wake();
  });
  pause_ = true;
  Watched watched;
  const CallId id = start(streamed(server.url()), &watched);
  run_until([this] { return !got_.empty(); });
  EXPECT_FALSE(ended);
  client_->cancel(id);
  run_until([&ended] { return ended.load(); });
  client_->resume(id);
  EXPECT_EQ(watched.done, 0);
}

TEST_F(HttpStream, MayBeCancelledByItsOwnReader) {
  ScriptedServer server([](Connection& connection) {
    connection.read_request();
    connection.write(std::string(kHead) + chunk(std::string(200'000, 'x')));
    connection.wait_for_end();
  });
  Watched watched;
  CallId id = 0;
  bool told = false;
  Call call = call_to(server.url());
  call.on_data = [&](const provider::WireResponse&, std::string_view) {
    EXPECT_FALSE(told);
    told = true;
    client_->cancel(id);
    return true;
  };
  id = start(std::move(call), &watched);
  run_until([&told] { return told; });
  for (int turn = 0; turn < 10; ++turn) uv_run(&loop_, UV_RUN_NOWAIT);
  EXPECT_EQ(watched.done, 0);
}

TEST_F(HttpStream, TheClientMayBeClosedByAReader) {
  ScriptedServer server([](Connection& connection) {
    connection.read_request();
    connection.write(std::string(kHead) + chunk(std::string(200'000, 'x')));
    connection.wait_for_end();
  });
  Watched watched;
  bool closed = false;
  Call call = call_to(server.url());
  call.on_data = [&](const provider::WireResponse&, std::string_view) {
    client_->close([&closed] { closed = true; });
    return true;
  };
  start(std::move(call), &watched);
  run_until([&closed] { return closed; });
  EXPECT_EQ(watched.done, 0);
  client_.reset();
}

TEST_F(HttpStream, AServerThatFallsSilentIsATimeout) {
  ScriptedServer server([](Connection& connection) {
    connection.read_request();
    connection.write(std::string(kHead) + chunk("data: 1\n\n"));
    connection.wait_for_end();
  });
  Call call = streamed(server.url());
  call.idle_timeout = core::milliseconds(50);
  const uint64_t before = uv_hrtime();
  const Watched watched = run(std::move(call));
  EXPECT_GE(uv_hrtime() - before, 50'000'000U);
  EXPECT_EQ(watched.result.status, core::Status::kTimeout);
  EXPECT_THAT(watched.result.message, HasSubstr("said nothing for 50 ms"));
}

// A silence in one answer is found although others go on, and the others are left alone.
TEST_F(HttpStream, OnlyTheSilentOneIsEnded) {
  std::atomic<bool> stop{false};
  ScriptedServer server([&](Connection& connection) {
    connection.read_request();
    connection.write(std::string(kHead) + chunk("data: 1\n\n"));
    if (connection.number() > 0) return connection.wait_for_end();
    while (!stop) connection.write(chunk(":\n"));
    connection.write(kEnd);
    connection.wait_for_end();
  });
  Watched lively;
  Call call = streamed(server.url());
  call.idle_timeout = core::seconds(100);
  start(std::move(call), &lively);
  run_until([this] { return !got_.empty(); });
  Watched silent;
  call = streamed(server.url());
  call.idle_timeout = core::milliseconds(50);
  start(std::move(call), &silent);
  run_until([&] { return silent.done == 1; });
  EXPECT_EQ(silent.result.status, core::Status::kTimeout);
  EXPECT_EQ(lively.done, 0);
  stop = true;
  run_until([&] { return lively.done == 1; });
  EXPECT_EQ(lively.result.status, core::Status::kOk);
}

TEST_F(HttpStream, APausedReaderIsNoSilenceOfTheServer) {
  ScriptedServer server([&](Connection& connection) {
    connection.read_request();
    connection.write(std::string(kHead) + chunk("data: 1\n\n"));
    connection.wait_for_end();
  });
  pause_ = true;
  Call call = streamed(server.url());
  call.idle_timeout = core::milliseconds(20);
  Watched watched;
  const CallId id = start(std::move(call), &watched);
  run_until([this] { return !got_.empty(); });
  bool late = false;
  uv_timer_t later;
  uv_timer_init(&loop_, &later);
  later.data = &late;
  uv_timer_start(
      &later, [](uv_timer_t* timer) { *static_cast<bool*>(timer->data) = true; }, 60, 0);
  run_until([&late] { return late; });
  uv_close(reinterpret_cast<uv_handle_t*>(&later), nullptr);
  EXPECT_EQ(watched.done, 0);
  client_->resume(id);
  run_until([&] { return watched.done == 1; });
  EXPECT_EQ(watched.result.status, core::Status::kTimeout);
}

}  // namespace
}  // namespace llmq::http
