#include "mock/server.h"

#include <gmock/gmock.h>

#include <cerrno>

#include "server_support.h"

namespace llmq::mock {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::StartsWith;

TEST(Server, AnswersChatOnAKeptConnection) {
  RunningServer server(with_limit("requests=1000/1m"));
  Client client;
  for (int i = 0; i < 5; ++i) {
    const Fetched answer = client.post(server.url("/v1/chat/completions"), kBody);
    ASSERT_EQ(answer.code, CURLE_OK);
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.connects, i == 0 ? 1 : 0);
    EXPECT_THAT(answer.body, HasSubstr(R"("object":"chat.completion")"));
    EXPECT_THAT(answer.headers, HasSubstr("x-ratelimit-limit-requests: 1000"));
    EXPECT_THAT(answer.headers, HasSubstr("Content-Type: application/json"));
  }
  EXPECT_EQ(stat(server, "accepted"), 5);
}

TEST(Server, AnswersTheOtherEndpoints) {
  RunningServer server{Options()};
  Client client;
  const Fetched embeddings =
      client.post(server.url("/v1/embeddings?x=1"), R"({"model":"e","input":["a","b"]})");
  EXPECT_EQ(embeddings.status, 200);
  EXPECT_THAT(embeddings.body, HasSubstr(R"("index":1)"));
  EXPECT_EQ(client.get(server.url("/v1/models")).status, 200);
  EXPECT_EQ(client.get(server.url("/nowhere")).status, 404);
  EXPECT_EQ(client.post(server.url("/v1/chat/completions"), "").status, 400);
  EXPECT_EQ(client.post(server.url("/v1/chat/completions"), "[]").status, 400);
}

TEST(Server, ReadsTheKeyAndTheRequestKey) {
  RunningServer server{Options()};
  Client client;
  const std::string url = server.url("/v1/chat/completions");
  EXPECT_EQ(client.post(url, kBody, {"Authorization: Bearer invalid"}).status, 401);
  EXPECT_EQ(client.post(url, kBody, {"Authorization: Bearer quota"}).status, 429);
  EXPECT_EQ(client.post(url, kBody, {"x-request-key: a"}).status, 200);
  EXPECT_EQ(client.post(url, kBody, {"x-request-key: b"}).status, 200);
  EXPECT_EQ(stat(server, "duplicates"), 0);
  EXPECT_EQ(client.post(url, kBody, {"x-request-key: b"}).status, 200);
  EXPECT_EQ(stat(server, "duplicates"), 1);
}

TEST(Server, RefusesBeyondItsLimits) {
  RunningServer server(with_limit("requests=2/1h"));
  Client client;
  const std::string url = server.url("/v1/chat/completions");
  EXPECT_EQ(client.post(url, kBody).status, 200);
  EXPECT_EQ(client.post(url, kBody).status, 200);
  const Fetched refused = client.post(url, kBody);
  EXPECT_EQ(refused.status, 429);
  EXPECT_THAT(refused.headers, HasSubstr("Retry-After: 3"));  // 36xx or 35xx seconds
  EXPECT_THAT(refused.headers, HasSubstr("retry-after-ms: "));
  EXPECT_EQ(stat(server, "refused"), 1);
}

TEST(Server, TakesLongBodiesAndRefusesEndlessOnes) {
  RunningServer server{Options()};
  Client client;
  const std::string url = server.url("/v1/chat/completions");
  const auto body = [](size_t size) {
    return R"({"model":"m","messages":[{"role":"user","content":")" + std::string(size, 'x') +
           R"("}]})";
  };
  const Fetched large = client.post(url, body(3'000'000));
  EXPECT_EQ(large.status, 200);
  EXPECT_THAT(large.body, HasSubstr(R"("prompt_tokens":750000)"));
  EXPECT_EQ(client.post(url, body(65U << 20U)).status, 413);
}

TEST(Server, DelaysItsAnswers) {
  Options options;
  options.latency_min = options.latency_max = milliseconds(30);
  RunningServer server(options);
  Client client;
  for (int i = 0; i < 3; ++i) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(client.post(server.url("/v1/chat/completions"), kBody).status, 200);
    EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(30));
  }
  EXPECT_EQ(stat(server, "in_flight"), 0);
}

TEST(Server, CountsConcurrentCalls) {
  Options options = with_limit("concurrency=3");
  options.fail_hang = 1;
  RunningServer server(options);
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<RawClient>(server.port()));
    clients.back()->send_chat();
  }
  EXPECT_TRUE(becomes(server, "in_flight", 3));
  Client client;
  EXPECT_EQ(client.post(server.url("/v1/chat/completions"), kBody).status, 429);
  EXPECT_EQ(stat(server, "max_concurrency"), 3);
}

struct Leaving {
  const char* name;
  double hang;
  void (RawClient::*leave)();
};

class ClientThatLeaves : public testing::TestWithParam<Leaving> {
 protected:
  static Options options() {
    Options options = with_limit("concurrency=1");
    options.fail_hang = GetParam().hang;
    options.latency_min = options.latency_max = std::chrono::hours(1);
    return options;
  }
};

TEST_P(ClientThatLeaves, FreesItsConcurrency) {
  RunningServer server(options());
  RawClient client(server.port());
  client.send_chat();
  ASSERT_TRUE(becomes(server, "in_flight", 1));
  (client.*GetParam().leave)();
  EXPECT_TRUE(becomes(server, "in_flight", 0));
  EXPECT_EQ(stat(server, "client_gone"), 1);
}

// The next call may be read in the same round of the loop as the hang-up, or before it.
TEST_P(ClientThatLeaves, MakesRoomForTheNextCallAtOnce) {
  RunningServer server(options());
  for (int i = 0; i < 30; ++i) {
    RawClient client(server.port());
    client.send_chat();
    ASSERT_TRUE(becomes(server, "accepted", i + 1));
    (client.*GetParam().leave)();
  }
  EXPECT_EQ(stat(server, "refused"), 0);
  EXPECT_EQ(stat(server, "max_concurrency"), 1);
}

INSTANTIATE_TEST_SUITE_P(Ways, ClientThatLeaves,
                         testing::Values(Leaving{"DelayedEnds", 0, &RawClient::hang_up},
                                         Leaving{"DelayedResets", 0, &RawClient::reset},
                                         Leaving{"HangingEnds", 1, &RawClient::hang_up},
                                         Leaving{"HangingResets", 1, &RawClient::reset}),
                         [](const auto& instance) { return instance.param.name; });

TEST(Server, ResetsConnections) {
  Options options;
  options.fail_reset = 1;
  RunningServer server(options);
  RawClient client(server.port());
  client.send_chat();
  EXPECT_EQ(client.read_some(), -1);
  EXPECT_EQ(errno, ECONNRESET);
  EXPECT_EQ(stat(server, "resets"), 1);
}

TEST(Server, SurvivesAClientThatLeavesInTheMiddleOfItsRequest) {
  RunningServer server{Options()};
  RawClient head(server.port());
  head.send_text("POST /v1/chat/comp");
  head.hang_up();
  RawClient body(server.port());
  body.send_text("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n{");
  body.reset();
  RawClient noise(server.port());
  noise.send_text("\x01\x02\r\n\r\n");
  Client client;
  EXPECT_EQ(client.post(server.url("/v1/chat/completions"), kBody).status, 200);
  EXPECT_EQ(stat(server, "requests"), 1);
}

TEST(Server, AnswersPipelinedRequestsInOrder) {
  Options options;
  options.latency_min = options.latency_max = milliseconds(5);
  RunningServer server(options);
  RawClient client(server.port());
  client.send_chat();
  client.send_chat();
  EXPECT_TRUE(becomes(server, "accepted", 2));
  EXPECT_TRUE(becomes(server, "in_flight", 0));
}

TEST(Server, StopsWithCallsUnderWay) {
  Options options;
  options.fail_hang = 0.5;
  options.latency_min = options.latency_max = std::chrono::hours(1);
  RunningServer server(options);
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<RawClient>(server.port()));
    clients.back()->send_chat();
  }
  ASSERT_TRUE(becomes(server, "in_flight", 20));
  server.stop();
  for (const auto& client : clients) EXPECT_LE(client->read_some(), 0);
}

TEST(Server, CanBeDroppedWithoutStop) {
  uv_loop_t loop;
  uv_loop_init(&loop);
  { const auto server = Server::start(&loop, Options()); }
  uv_run(&loop, UV_RUN_DEFAULT);
  EXPECT_EQ(uv_loop_close(&loop), 0);
}

TEST(Server, CanBeDroppedBeforeItIsClosed) {
  uv_loop_t loop;
  uv_loop_init(&loop);
  bool is_closed = false;
  Server::start(&loop, Options()).value()->stop([&] { is_closed = true; });
  uv_run(&loop, UV_RUN_DEFAULT);
  EXPECT_TRUE(is_closed);
  EXPECT_EQ(uv_loop_close(&loop), 0);
}

TEST(Server, SaysWhyItCannotStart) {
  RunningServer first{Options()};
  uv_loop_t loop;
  uv_loop_init(&loop);
  Options options;
  options.port = first.port();
  const auto taken = Server::start(&loop, options);
  ASSERT_FALSE(taken.ok());
  EXPECT_THAT(taken.error(), StartsWith("mock: cannot listen on 127.0.0.1:"));
  EXPECT_THAT(taken.error(), HasSubstr("in use"));
  options.fail_hang = 2;
  const auto wrong = Server::start(&loop, options);
  ASSERT_FALSE(wrong.ok());
  EXPECT_THAT(wrong.error(), HasSubstr("share"));
  EXPECT_EQ(uv_loop_close(&loop), 0);
}

TEST(Server, TellsItsStatsWithoutASocket) {
  uv_loop_t loop;
  uv_loop_init(&loop);
  auto server = Server::start(&loop, Options());
  EXPECT_THAT(server.value()->stats_json(), HasSubstr(R"("requests":0)"));
  server.value()->stop(nullptr);
  uv_run(&loop, UV_RUN_DEFAULT);
  server.value().reset();
  EXPECT_EQ(uv_loop_close(&loop), 0);
}

}  // namespace
}  // namespace llmq::mock
