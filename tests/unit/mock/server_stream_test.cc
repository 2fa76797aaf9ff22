// Streams and the other wire forms over sockets.
#include <gmock/gmock.h>

#include "server_support.h"

namespace llmq::mock {
namespace {

using std::chrono::milliseconds;
using testing::EndsWith;
using testing::HasSubstr;

const std::string kStreamBody =
    R"({"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":10,"stream":true})";

TEST(ServerStream, SendsEventsAtTheirPace) {
  Options options;
  options.tokens_per_s = 200;  // ten tokens: 50 ms
  RunningServer server(options);
  Client client;
  for (int i = 0; i < 3; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const Fetched answer = client.post(server.url("/v1/chat/completions"), kStreamBody);
    EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(50));
    EXPECT_EQ(answer.code, CURLE_OK);
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.connects, i == 0 ? 1 : 0);
    EXPECT_THAT(answer.headers, HasSubstr("Content-Type: text/event-stream"));
    EXPECT_THAT(answer.body, EndsWith("data: [DONE]\n\n"));
  }
  EXPECT_EQ(stat(server, "in_flight"), 0);
  EXPECT_EQ(stat(server, "output_tokens"), 30);
}

TEST(ServerStream, SendsLongAnswersWhole) {
  Options options;
  options.output_tokens_min = options.output_tokens_max = 20'000;
  RunningServer server(options);
  Client client;
  const std::string body =
      R"({"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true})";
  const Fetched answer = client.post(server.url("/v1/chat/completions"), body);
  EXPECT_EQ(answer.code, CURLE_OK);
  EXPECT_GT(answer.body.size(), 500'000U);
  EXPECT_THAT(answer.body, EndsWith("data: [DONE]\n\n"));
}

struct Break {
  const char* name;
  double Options::*share;
  CURLcode code;
  const char* last;  // what the body ends with; "" = anything but a whole event
};

class BrokenServerStream : public testing::TestWithParam<Break> {};

TEST_P(BrokenServerStream, FreesItsConcurrency) {
  Options options = with_limit("concurrency=1");
  options.*GetParam().share = 1;
  RunningServer server(options);
  Client client;
  const Fetched answer = client.post(server.url("/v1/chat/completions"), kStreamBody);
  EXPECT_EQ(answer.code, GetParam().code);
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, EndsWith(GetParam().last));
  EXPECT_EQ(answer.body.find(R"("finish_reason":"stop")"), std::string::npos);
  EXPECT_EQ(stat(server, "in_flight"), 0);
  EXPECT_EQ(stat(server, "broken_streams"), 1);
  EXPECT_EQ(stat(server, "output_tokens"), 0);
}

INSTANTIATE_TEST_SUITE_P(
    Ways, BrokenServerStream,
    testing::Values(Break{"FirstError", &Options::fail_stream_first, CURLE_OK, "data: [DONE]\n\n"},
                    Break{"Error", &Options::fail_stream_error, CURLE_OK, "data: [DONE]\n\n"},
                    Break{"Cut", &Options::fail_stream_cut, CURLE_PARTIAL_FILE, ""},
                    Break{"End", &Options::fail_stream_end, CURLE_OK, "\n\n"}),
    [](const auto& instance) { return instance.param.name; });

// In the pause between two events, and after one that is the last to come.
TEST(ServerStream, NoticesAClientThatLeavesInTheMiddle) {
  for (const bool stalls : {false, true}) {
    Options options = with_limit("concurrency=1");
    options.tokens_per_s = stalls ? 0 : 1;
    options.piece_tokens = 10;
    options.fail_stream_stall = stalls ? 1 : 0;
    RunningServer server(options);
    for (int i = 0; i < 20; ++i) {
      RawClient client(server.port());
      client.send_text("POST /v1/chat/completions HTTP/1.1\r\nHost: mock\r\nContent-Length: " +
                       std::to_string(kStreamBody.size()) + "\r\n\r\n" + kStreamBody);
      ASSERT_GT(client.read_some(), 0);
      EXPECT_EQ(stat(server, "in_flight"), 1);
      if (i % 2 == 0) {
        client.hang_up();
      } else {
        client.reset();
      }
    }
    EXPECT_TRUE(becomes(server, "in_flight", 0));
    EXPECT_EQ(stat(server, "client_gone"), 20);
    EXPECT_EQ(stat(server, "refused"), 0);
  }
}

TEST(ServerStream, StopsInTheMiddle) {
  Options options;
  options.tokens_per_s = 1;
  options.piece_tokens = 10;
  RunningServer server(options);
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<RawClient>(server.port()));
    clients.back()->send_text(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: mock\r\nContent-Length: " +
        std::to_string(kStreamBody.size()) + "\r\n\r\n" + kStreamBody);
    ASSERT_GT(clients.back()->read_some(), 0);
  }
  server.stop();
  for (const auto& client : clients) {
    while (client->read_some() > 0) {
    }
  }
}

TEST(ServerWires, ReadTheLinesAndTheQueryThatTheyNeed) {
  RunningServer server(with_limit("input_tokens=10/1h"));
  Client client;
  const std::string messages = server.url("/v1/messages");
  EXPECT_EQ(client.post(messages, kBody).status, 400);  // no version
  const std::string version = "anthropic-version: 2023-06-01";
  EXPECT_EQ(client.post(messages, kBody, {version, "x-api-key: invalid"}).status, 401);
  const Fetched message = client.post(messages, kStreamBody, {version, "x-api-key: k"});
  EXPECT_EQ(message.status, 200);
  EXPECT_THAT(message.headers, HasSubstr("anthropic-ratelimit-input-tokens-limit: 10\r\n"));
  EXPECT_THAT(message.body, EndsWith("data: {\"type\":\"message_stop\"}\n\n"));

  const std::string contents = R"({"contents":[{"parts":[{"text":"hi"}]}]})";
  const std::string gemini = server.url("/v1beta/models/m:streamGenerateContent");
  EXPECT_EQ(client.post(gemini, contents, {"x-goog-api-key: invalid"}).status, 400);
  EXPECT_EQ(client.post(gemini + "?key=invalid", contents).status, 400);
  EXPECT_THAT(client.post(gemini, contents).headers, HasSubstr("Content-Type: application/json"));
  EXPECT_THAT(client.post(gemini + "?alt=sse", contents).headers,
              HasSubstr("Content-Type: text/event-stream"));

  const std::string azure = server.url("/openai/deployments/d/chat/completions");
  EXPECT_EQ(client.post(azure, kBody).status, 404);  // no api-version
  EXPECT_EQ(client.post(azure + "?api-version=2024-10-21", kBody, {"api-key: invalid"}).status,
            401);
  EXPECT_EQ(client.post(azure + "?api-version=2024-10-21", kBody, {"api-key: k"}).status, 200);
  EXPECT_EQ(stat(server, "accepted"), 4);
}

}  // namespace
}  // namespace llmq::mock
