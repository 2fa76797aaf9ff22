// Cancel, close, and callbacks that call the client.
#include <spawn.h>
#include <sys/wait.h>

#include <atomic>
#include <csignal>
#include <future>
#include <vector>

#include "client_fixture.h"

extern char** environ;

namespace llmq::http {
namespace {

void answer_all(Connection& connection) {
  while (connection.read_request()) connection.write(answer("{}"));
}

TEST_F(HttpClient, CancelClosesTheConnectionAtOnce) {
  std::atomic<bool> arrived{false};
  std::atomic<bool> ended{false};
  ScriptedServer server([&](Connection& connection) {
    connection.read_request();
    arrived = true;
    wake();
    connection.wait_for_end();
    ended = true;
    wake();
  });
  Watched watched;
  const CallId id = start(call_to(server.url()), &watched);
  run_until([&arrived] { return arrived.load(); });
  EXPECT_FALSE(ended);
  client_->cancel(id);
  run_until([&ended] { return ended.load(); });
  EXPECT_EQ(watched.sent, 1);
  EXPECT_EQ(watched.done, 0);
  client_->cancel(id);  // of no effect
}

// A connection that a child process inherits stays open until the child ends, whatever is closed
// here.
TEST_F(HttpClient, CancelClosesTheConnectionAlthoughAChildProcessWasStarted) {
  std::atomic<bool> arrived{false};
  std::atomic<bool> ended{false};
  ScriptedServer server([&](Connection& connection) {
    connection.read_request();
    arrived = true;
    wake();
    connection.wait_for_end();
    ended = true;
    wake();
  });
  Watched watched;
  const CallId id = start(call_to(server.url()), &watched);
  run_until([&arrived] { return arrived.load(); });
  pid_t child = -1;
  char name[] = "sleep";
  char seconds[] = "600";
  char* const arguments[] = {name, seconds, nullptr};
  ASSERT_EQ(::posix_spawnp(&child, name, nullptr, nullptr, arguments, environ), 0);
  client_->cancel(id);
  run_until([&ended] { return ended.load(); });
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(ended);
}

TEST_F(HttpClient, CancelBeforeTheConnectionIsThere) {
  ScriptedServer server(answer_all);
  Watched cancelled;
  client_->cancel(start(call_to(server.url()), &cancelled));
  EXPECT_EQ(run(call_to(server.url())).result.status, core::Status::kOk);
  EXPECT_EQ(cancelled.sent, 0);
  EXPECT_EQ(cancelled.done, 0);
}

TEST_F(HttpClient, CancelWhileTheNameIsLookedUp) {
  Watched cancelled;
  const CallId id = start(call_to("http://no-such-host.invalid/"), &cancelled);
  uv_run(&loop_, UV_RUN_NOWAIT);
  const int before = cancelled.done;  // 0, unless the look-up was quick
  client_->cancel(id);
  uv_run(&loop_, UV_RUN_NOWAIT);
  EXPECT_EQ(cancelled.done, before);
}

TEST_F(HttpClient, ForgetsIdsOfFinishedCalls) {
  ScriptedServer server(answer_all);
  Watched first;
  const CallId id = start(call_to(server.url()), &first);
  run_until([&first] { return first.done > 0; });
  Watched second;
  EXPECT_NE(start(call_to(server.url()), &second), id);
  client_->cancel(id);
  client_->cancel(0);
  client_->cancel(~CallId{0});
  run_until([&second] { return second.done > 0; });
}

TEST_F(HttpClient, MayBeCancelledByItsOwnSentCallback) {
  ScriptedServer server(answer_all);
  bool sent = false;
  bool done = false;
  CallId id = 0;
  id = client_->start(
      call_to(server.url()),
      [&] {
        sent = true;
        client_->cancel(id);
      },
      [&](const CallResult&) { done = true; });
  run_until([&sent] { return sent; });
  EXPECT_EQ(run(call_to(server.url())).result.status, core::Status::kOk);
  EXPECT_FALSE(done);
}

TEST_F(HttpClient, MayStartTheNextCallFromACallback) {
  ScriptedServer server(answer_all);
  int done = 0;
  int sent = 0;
  std::function<void()> next = [&] {
    client_->start(
        call_to(server.url()), [&sent] { ++sent; },
        [&](const CallResult& result) {
          EXPECT_EQ(result.status, core::Status::kOk);
          if (++done < 50) next();
        });
  };
  next();
  run_until([&done] { return done == 50; });
  EXPECT_EQ(sent, 50);
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(HttpClient, MayStartACallWhenAnotherIsSent) {
  ScriptedServer server(answer_all);
  Watched second;
  Watched first;
  client_->start(
      call_to(server.url()),
      [&] {
        ++first.sent;
        start(call_to(server.url()), &second);
      },
      [&](const CallResult&) { ++first.done; });
  run_until([&] { return first.done == 1 && second.done == 1; });
  EXPECT_EQ(second.sent, 1);
}

TEST_F(HttpClient, MayCancelOthersFromACallback) {
  ScriptedServer server(answer_all);
  std::vector<CallId> ids;
  ids.reserve(20);
  int done = 0;
  for (int i = 0; i < 20; ++i) {
    ids.push_back(client_->start(
        call_to(server.url()), [] {},
        [&](const CallResult&) {
          ++done;
          for (const CallId id : ids) client_->cancel(id);
        }));
  }
  run_until([&done] { return done > 0; });
  EXPECT_EQ(run(call_to(server.url())).result.status, core::Status::kOk);
  EXPECT_EQ(done, 1);
}

TEST_F(HttpClient, CloseEndsEverythingInSilence) {
  std::atomic<int> ended{0};
  std::atomic<int> arrived{0};
  ScriptedServer server([&](Connection& connection) {
    connection.read_request();
    ++arrived;
    wake();
    connection.wait_for_end();
    ++ended;
    wake();
  });
  std::vector<Watched> calls(8);
  for (Watched& watched : calls) start(call_to(server.url()), &watched);
  Watched refused;
  start(call_to("http://127.0.0.1:1/"), &refused);
  run_until([&] { return arrived == 8; });
  Watched bad;
  start(call_to("file:///x"), &bad);
  close();
  run_until([&] { return ended == 8; });
  for (const Watched& watched : calls) EXPECT_EQ(watched.done, 0);
  EXPECT_EQ(bad.done, 0);
}

TEST_F(HttpClient, MayBeClosedFromACallback) {
  ScriptedServer server(answer_all);
  bool closed = false;
  int done = 0;
  for (int i = 0; i < 5; ++i) {
    client_->start(
        call_to(server.url()), [] {},
        [&](const CallResult&) {
          ++done;
          client_->close([&closed] { closed = true; });
        });
  }
  run_until([&closed] { return closed; });
  EXPECT_EQ(done, 1);
  EXPECT_EQ(client_->start(
                call_to(server.url()), [] {}, [](const CallResult&) {}),
            0u);
  client_.reset();
}

TEST_F(HttpClient, MayBeDestroyedWhenItHasClosed) {
  bool closed = false;
  client_->close([this, &closed] {
    client_.reset();
    closed = true;
  });
  run_until([&closed] { return closed; });
}

}  // namespace
}  // namespace llmq::http
