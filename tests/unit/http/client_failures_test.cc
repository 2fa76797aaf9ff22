// Servers that misbehave, and those that are not there.
#include <atomic>

#include "client_fixture.h"

namespace llmq::http {
namespace {

using core::Status;
using ::testing::HasSubstr;

TEST_F(HttpClient, SaysThatTheConnectionIsRefused) {
  const std::string port = std::to_string(unused_port());
  const Watched watched = run(call_to("http://127.0.0.1:" + port + "/v1"));
  EXPECT_EQ(watched.result.status, Status::kTransport);
  EXPECT_FALSE(watched.result.sent);
  EXPECT_EQ(watched.sent, 0);
  EXPECT_EQ(watched.result.message, "cannot connect to 127.0.0.1:" + port + ": Connection refused");
}

TEST_F(HttpClient, SaysThatTheHostHasNoAddress) {
  Call call = call_to("http://no-such-host.invalid/v1");
  call.transport.connect_timeout = core::seconds(100);
  const Watched watched = run(std::move(call));
  EXPECT_EQ(watched.result.status, Status::kTransport);
  EXPECT_FALSE(watched.result.sent);
  EXPECT_THAT(watched.result.message, HasSubstr("cannot resolve the host of no-such-host.invalid"));
}

TEST_F(HttpClient, EndsAtItsTimeout) {
  ScriptedServer server([](Connection& connection) { connection.wait_for_end(); });
  Call call = call_to(server.url());
  call.timeout = core::milliseconds(100);
  const Watched watched = run(std::move(call));
  EXPECT_EQ(watched.result.status, Status::kTimeout);
  EXPECT_TRUE(watched.result.sent);
  EXPECT_THAT(watched.result.message,
              HasSubstr("no answer from " + server.authority() + " in time"));
}

TEST_F(HttpClient, FailsOnHalfABody) {
  ScriptedServer server([](Connection& connection) {
    connection.read_request();
    connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"half\":");
  });
  const Watched watched = run(call_to(server.url()));
  EXPECT_EQ(watched.result.status, Status::kTransport);
  EXPECT_TRUE(watched.result.sent);
  EXPECT_EQ(watched.result.response.body, "");
  EXPECT_THAT(watched.result.message,
              HasSubstr(server.authority() + " closed the connection in the middle of its answer"));
}

TEST_F(HttpClient, FailsOnHalfAChunkedBody) {
  ScriptedServer server([](Connection& connection) {
    connection.read_request();
    connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{\"half\":");
  });
  EXPECT_EQ(run(call_to(server.url())).result.status, Status::kTransport);
}

TEST_F(HttpClient, FailsWhenNothingComesBack) {
  ScriptedServer server([](Connection& connection) { connection.read_request(); });
  const Watched watched = run(call_to(server.url()));
  EXPECT_EQ(watched.result.status, Status::kTransport);
  EXPECT_TRUE(watched.result.sent);
  EXPECT_THAT(watched.result.message, HasSubstr("closed the connection without an answer"));
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(HttpClient, FailsOnAReset) {
  ScriptedServer server([](Connection& connection) {
    connection.read_request();
    connection.reset();
  });
  const Watched watched = run(call_to(server.url()));
  EXPECT_EQ(watched.result.status, Status::kTransport);
  EXPECT_TRUE(watched.result.sent);
  EXPECT_THAT(watched.result.message, HasSubstr(server.authority()));
}

TEST_F(HttpClient, PassesOnAnEmptyBodyAndHtml) {
  ScriptedServer server([](Connection& connection) {
    connection.read_request();
    connection.write(answer(""));
    connection.read_request();
    connection.write(answer("<html></html>"));
    connection.wait_for_end();
  });
  const Watched empty = run(call_to(server.url()));
  EXPECT_EQ(empty.result.status, Status::kOk);
  EXPECT_EQ(empty.result.response.body, "");
  EXPECT_EQ(run(call_to(server.url())).result.response.body, "<html></html>");
}

TEST_F(HttpClient, FailsOnWhatIsNotHttp) {
  ScriptedServer server([](Connection& connection) {
    connection.read_request();
    connection.write("220 mail.example.com ESMTP\r\n");
  });
  const Watched watched = run(call_to(server.url()));
  EXPECT_EQ(watched.result.status, Status::kTransport);
  EXPECT_THAT(watched.result.message, HasSubstr("did not answer in HTTP"));
}

TEST_F(HttpClient, RefusesAnAnswerThatIsTooLong) {
  ClientOptions options;
  options.max_response_bytes = 1000;
  create(options);
  ScriptedServer server([](Connection& connection) {
    while (connection.read_request()) connection.write(answer(std::string(5000, 'x')));
  });
  const Watched watched = run(call_to(server.url()));
  EXPECT_EQ(watched.result.status, Status::kTransport);
  EXPECT_EQ(watched.result.message,
            "the answer of " + server.authority() + " is longer than 1000 bytes");
}

TEST_F(HttpClient, RefusesHeadersWithoutEnd) {
  ClientOptions options;
  options.max_response_bytes = 1000;
  create(options);
  ScriptedServer server([](Connection& connection) {
    connection.read_request();
    connection.write("HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 100; ++i) connection.write("X-More: 0123456789\r\n");
    connection.wait_for_end();
  });
  EXPECT_THAT(run(call_to(server.url())).result.message, HasSubstr("longer than 1000 bytes"));
}

// The server may have run the request before it broke the connection: to send it again is the
// engine's decision.
TEST_F(HttpClient, SendsNothingTwiceOnABrokenKeptConnection) {
  std::atomic<int> requests{0};
  ScriptedServer server([&requests](Connection& connection) {
    if (!connection.read_request()) return;
    ++requests;
    connection.write(answer("{}"));
    if (connection.read_request()) ++requests;
  });
  EXPECT_EQ(run(call_to(server.url())).result.status, Status::kOk);
  const Watched second = run(call_to(server.url()));
  EXPECT_EQ(second.result.status, Status::kTransport);
  EXPECT_TRUE(second.result.sent);
  EXPECT_EQ(second.sent, 1);
  EXPECT_THAT(second.result.message, HasSubstr("closed the connection without an answer"));
  EXPECT_EQ(requests, 2);
}

TEST_F(HttpClient, FailsSoonWhenACallCannotEvenBegin) {
  const std::string longer_than_curl_takes = "http://127.0.0.1/" + std::string(9'000'000, 'x');
  const Watched watched = run(call_to(longer_than_curl_takes));
  EXPECT_NE(watched.result.status, Status::kOk);
  EXPECT_FALSE(watched.result.sent);
  Watched cancelled;
  Watched other;
  client_->cancel(start(call_to(longer_than_curl_takes), &cancelled));
  start(call_to(longer_than_curl_takes), &other);
  run_until([&other] { return other.done > 0; });
  EXPECT_EQ(cancelled.done, 0);
}

TEST_F(HttpClient, RefusesOtherProtocolsAndBadUrls) {
  for (const char* url : {"file:///etc/passwd", "ftp://127.0.0.1/x", "http://", "http://[::1"}) {
    const Watched watched = run(call_to(url));
    EXPECT_NE(watched.result.status, Status::kOk) << url;
    EXPECT_FALSE(watched.result.sent) << url;
    EXPECT_NE(watched.result.message, "") << url;
  }
}

}  // namespace
}  // namespace llmq::http
