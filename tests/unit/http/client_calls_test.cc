// Calls that go well.
#include <atomic>
#include <cstdlib>
#include <future>
#include <vector>

#include "client_fixture.h"

namespace llmq::http {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

void answer_all(Connection& connection) {
  while (connection.read_request()) connection.write(answer("{\"ok\":1}"));
}

TEST_F(HttpClient, SendsTheRequestAndReturnsTheAnswer) {
  std::promise<std::string> seen;
  ScriptedServer server([&seen](Connection& connection) {
    seen.set_value(connection.read_request().value_or(""));
    connection.write(
        "HTTP/1.1 429 Too Many\r\nX-Request-ID:  req_1 \r\nRetry-After: 3\r\n"
        "Content-Length: 2\r\n\r\nno");
    connection.wait_for_end();
  });
  const Watched watched = run(call_to(server.url(), "{\"n\":12345678901234567890}"));
  EXPECT_EQ(watched.sent, 1);
  EXPECT_EQ(watched.result.status, core::Status::kOk);
  EXPECT_TRUE(watched.result.sent);
  EXPECT_EQ(watched.result.message, "");
  EXPECT_EQ(watched.result.response.http_status, 429);
  EXPECT_EQ(watched.result.response.body, "no");
  EXPECT_THAT(watched.result.response.headers, Contains(Pair("X-Request-ID", "req_1")));
  EXPECT_THAT(watched.result.response.headers, Contains(Pair("Retry-After", "3")));
  const std::string request = seen.get_future().get();
  EXPECT_THAT(request, HasSubstr("POST /v1/chat/completions HTTP/1.1\r\n"));
  EXPECT_THAT(request, HasSubstr("\r\nContent-Type: application/json\r\n"));
  EXPECT_THAT(request, HasSubstr("\r\nAuthorization: Bearer sk-very-secret\r\n"));
  EXPECT_THAT(request, HasSubstr("\r\n\r\n{\"n\":12345678901234567890}"));
  EXPECT_THAT(request, Not(HasSubstr("Expect:")));
}

TEST_F(HttpClient, SendsLargeBodiesByteForByte) {
  std::string body;
  for (int i = 0; body.size() < 3'000'000; ++i) body += static_cast<char>(i * 7 % 256);
  std::promise<bool> same;
  ScriptedServer server([&](Connection& connection) {
    const std::string request = connection.read_request().value_or("");
    const bool whole = request.size() > body.size() &&
                       request.compare(request.size() - body.size(), body.size(), body) == 0;
    same.set_value(whole);
    connection.write(answer(body));
    connection.wait_for_end();
  });
  const Watched watched = run(call_to(server.url(), body));
  EXPECT_TRUE(same.get_future().get());
  EXPECT_TRUE(watched.result.response.body == body);
}

TEST_F(HttpClient, SendsAnEmptyBody) {
  ScriptedServer server(answer_all);
  EXPECT_EQ(run(call_to(server.url(), "")).result.response.body, "{\"ok\":1}");
}

TEST_F(HttpClient, KeepsTheConnectionForTheNextCall) {
  ScriptedServer server(answer_all);
  for (int i = 0; i < 5; ++i) {
    const Watched watched = run(call_to(server.url()));
    EXPECT_EQ(watched.result.response.body, "{\"ok\":1}");
    EXPECT_EQ(watched.sent, 1);
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(HttpClient, MakesANewConnectionWhenTheIdleOneWasClosed) {
  std::promise<void> closed[2];
  ScriptedServer server([&closed](Connection& connection) {
    connection.read_request();
    connection.write(answer("{}"));
    connection.close();
    closed[connection.number()].set_value();
  });
  for (auto& this_one : closed) {
    const Watched watched = run(call_to(server.url()));
    EXPECT_EQ(watched.result.status, core::Status::kOk) << watched.result.message;
    EXPECT_EQ(watched.sent, 1);
    this_one.get_future().wait();
  }
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(HttpClient, DropsTheHeadersOfInterimAnswers) {
  ScriptedServer server([](Connection& connection) {
    connection.read_request();
    connection.write("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + answer("{}"));
    connection.wait_for_end();
  });
  const Watched watched = run(call_to(server.url()));
  EXPECT_EQ(watched.result.response.http_status, 200);
  EXPECT_THAT(watched.result.response.headers, Not(Contains(Pair("Link", "x"))));
}

TEST_F(HttpClient, DoesNotFollowRedirects) {
  ScriptedServer elsewhere(answer_all);
  ScriptedServer server([&elsewhere](Connection& connection) {
    connection.read_request();
    connection.write("HTTP/1.1 307 Gone\r\nLocation: " + elsewhere.url() +
                     "\r\nContent-Length: 0\r\n\r\n");
    connection.wait_for_end();
  });
  EXPECT_EQ(run(call_to(server.url())).result.response.http_status, 307);
  EXPECT_EQ(elsewhere.connections(), 0);
}

TEST_F(HttpClient, PassesNoProxyOnTheWayToThisMachine) {
  const std::string proxy = "http://127.0.0.1:" + std::to_string(unused_port());
  ::setenv("http_proxy", proxy.c_str(), 1);
  ScriptedServer server(answer_all);
  EXPECT_EQ(run(call_to(server.url())).result.status, core::Status::kOk);
  ::unsetenv("http_proxy");
}

TEST_F(HttpClient, GoesThroughTheProxyThatIsSet) {
  std::atomic<bool> asked{false};
  ScriptedServer proxy([&asked](Connection& connection) {
    const auto request = connection.read_request();
    asked = request && request->compare(0, 27, "POST http://far.invalid/v1 ") == 0;
    connection.write(answer("{}"));
  });
  Call call = call_to("http://far.invalid/v1");
  call.transport.proxy = proxy.url();
  EXPECT_EQ(run(std::move(call)).result.status, core::Status::kOk);
  EXPECT_TRUE(asked);
}

TEST_F(HttpClient, TakesNoProxyWhereNoneIsSaid) {
  const std::string proxy = "http://127.0.0.1:" + std::to_string(unused_port());
  ::setenv("http_proxy", proxy.c_str(), 1);
  Call call = call_to("http://far.invalid/v1");
  call.transport.proxy = "none";
  EXPECT_THAT(run(std::move(call)).result.message, HasSubstr("cannot resolve the host"));
  ::unsetenv("http_proxy");
}

TEST_F(HttpClient, ChangesHeadersBetweenCalls) {
  std::promise<std::string> second;
  ScriptedServer server([&second](Connection& connection) {
    connection.read_request();
    connection.write(answer("{}"));
    second.set_value(connection.read_request().value_or(""));
    connection.write(answer("{}"));
    connection.wait_for_end();
  });
  run(call_to(server.url()));
  Call call = call_to(server.url());
  call.wire.headers = {{"X-Other", "1"}};
  run(std::move(call));
  const std::string request = second.get_future().get();
  EXPECT_THAT(request, HasSubstr("\r\nX-Other: 1\r\n"));
  EXPECT_THAT(request, Not(HasSubstr("secret")));
}

TEST_F(HttpClient, RunsManyCallsAtOnce) {
  constexpr int kCalls = 300;
  std::atomic<int> waiting{0};
  std::promise<void> all_there;
  std::shared_future<void> go = all_there.get_future().share();
  ScriptedServer server([&](Connection& connection) {
    while (connection.read_request()) {
      if (++waiting == kCalls) all_there.set_value();
      go.wait();
      connection.write(answer("{\"ok\":1}"));
    }
  });
  std::vector<Watched> calls(kCalls);
  for (Watched& watched : calls) start(call_to(server.url()), &watched);
  int done = 0;
  run_until([&] {
    done = 0;
    for (const Watched& watched : calls) done += watched.done;
    return done == kCalls;
  });
  if (waiting < kCalls) all_there.set_value();  // let the scripts end whatever happened
  for (const Watched& watched : calls) {
    EXPECT_EQ(watched.sent, 1);
    EXPECT_EQ(watched.result.response.body, "{\"ok\":1}") << watched.result.message;
  }
}

TEST_F(HttpClient, StaysWithinItsConnections) {
  ClientOptions options;
  options.max_connections = 2;
  create(options);
  std::atomic<int> running{0};
  std::atomic<int> most{0};
  ScriptedServer server([&](Connection& connection) {
    while (connection.read_request()) {
      const int now = ++running;
      int seen = most;
      while (now > seen && !most.compare_exchange_weak(seen, now)) {
      }
      --running;
      connection.write(answer("{}"));
    }
  });
  std::vector<Watched> calls(40);
  std::vector<CallId> ids;
  ids.reserve(calls.size());
  for (Watched& watched : calls) ids.push_back(start(call_to(server.url()), &watched));
  for (size_t i = 10; i < 20; ++i) client_->cancel(ids[i]);  // while they wait
  run_until([&] {
    int done = 0;
    for (const Watched& watched : calls) done += watched.done;
    return done == 30;
  });
  for (size_t i = 0; i < calls.size(); ++i) {
    EXPECT_EQ(calls[i].done, i >= 10 && i < 20 ? 0 : 1);
    EXPECT_EQ(calls[i].sent, calls[i].done);
  }
  EXPECT_LE(most, 2);
  EXPECT_EQ(server.connections(), 2);
}

}  // namespace
}  // namespace llmq::http
