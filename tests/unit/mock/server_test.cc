#include "mock/server.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include "mock/json.h"

namespace llmq::mock {
namespace {

using std::chrono::milliseconds;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

const std::string kBody =
    R"({"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":10})";

// A server on a loop of its own, in a thread of its own.
class RunningServer {
 public:
  explicit RunningServer(const Options& options) {
    uv_loop_init(&loop_);
    Result<std::unique_ptr<Server>> started = Server::start(&loop_, options);
    EXPECT_TRUE(started.ok());
    server_ = std::move(started.value());
    port_ = server_->port();
    uv_async_init(&loop_, &stop_, [](uv_async_t* handle) {
      auto* self = static_cast<RunningServer*>(handle->data);
      self->server_->stop([self] { self->is_closed_ = true; });
      uv_close(reinterpret_cast<uv_handle_t*>(handle), nullptr);
    });
    stop_.data = this;
    thread_ = std::thread([this] { uv_run(&loop_, UV_RUN_DEFAULT); });
  }

  // Whatever happened, the server must leave the loop clean.
  ~RunningServer() { stop(); }

  void stop() {
    if (!thread_.joinable()) return;
    uv_async_send(&stop_);
    thread_.join();
    EXPECT_TRUE(is_closed_);
    server_.reset();
    EXPECT_EQ(uv_loop_close(&loop_), 0);
  }

  uint16_t port() const { return port_; }
  std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }

 private:
  uv_loop_t loop_{};
  uv_async_t stop_{};
  std::unique_ptr<Server> server_;
  uint16_t port_ = 0;
  bool is_closed_ = false;
  std::thread thread_;
};

struct Answer {
  CURLcode code = CURLE_OK;
  long status = 0;
  long connects = 0;
  std::string body;
  std::string headers;
};

size_t append(char* data, size_t size, size_t count, void* text) {
  static_cast<std::string*>(text)->append(data, size * count);
  return size * count;
}

// Keeps its connection.
class Client {
 public:
  Client() : curl_(curl_easy_init(), &curl_easy_cleanup) {}

  Answer post(const std::string& url, const std::string& body,
              const std::vector<std::string>& headers = {}) {
    curl_easy_reset(curl_.get());
    curl_easy_setopt(curl_.get(), CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(body.size()));
    curl_easy_setopt(curl_.get(), CURLOPT_POSTFIELDS, body.data());
    curl_slist* list = nullptr;
    for (const std::string& header : headers) list = curl_slist_append(list, header.c_str());
    curl_easy_setopt(curl_.get(), CURLOPT_HTTPHEADER, list);
    Answer answer = perform(url);
    curl_slist_free_all(list);
    return answer;
  }

  Answer get(const std::string& url) {
    curl_easy_reset(curl_.get());
    return perform(url);
  }

 private:
  Answer perform(const std::string& url) {
    Answer answer;
    curl_easy_setopt(curl_.get(), CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl_.get(), CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl_.get(), CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl_.get(), CURLOPT_TIMEOUT, 60L);
    curl_easy_setopt(curl_.get(), CURLOPT_WRITEFUNCTION, append);
    curl_easy_setopt(curl_.get(), CURLOPT_WRITEDATA, &answer.body);
    curl_easy_setopt(curl_.get(), CURLOPT_HEADERFUNCTION, append);
    curl_easy_setopt(curl_.get(), CURLOPT_HEADERDATA, &answer.headers);
    answer.code = curl_easy_perform(curl_.get());
    curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &answer.status);
    curl_easy_getinfo(curl_.get(), CURLINFO_NUM_CONNECTS, &answer.connects);
    return answer;
  }

  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl_;
};

// Sends a request and does not wait for its answer.
class RawClient {
 public:
  explicit RawClient(uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~RawClient() { hang_up(); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  void send_chat() {
    send_text("POST /v1/chat/completions HTTP/1.1\r\nHost: mock\r\nContent-Length: " +
              std::to_string(kBody.size()) + "\r\n\r\n" + kBody);
  }
  void send_text(const std::string& text) {
    EXPECT_EQ(send(fd_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  // 0 = orderly end, -1 = errno says why.
  ssize_t read_some() {
    char buffer[4096];
    return recv(fd_, buffer, sizeof buffer, 0);
  }
  void hang_up() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }
  // Hangs up as a killed process with unread data does.
  void reset() {
    const linger at_once{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    hang_up();
  }

 private:
  int fd_;
};

double stat(const RunningServer& server, const char* key) {
  Client client;
  const Json root(cJSON_Parse(client.get(server.url("/stats")).body.c_str()));
  return cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(root.get(), key));
}

// Asks until it is so: what a server on another thread does cannot be waited for otherwise.
testing::AssertionResult becomes(const RunningServer& server, const char* key, double expected) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  double last = 0;
  while (std::chrono::steady_clock::now() < deadline) {
    last = stat(server, key);
    if (last == expected) return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << key << " is " << last << ", not " << expected;
}

Options with_limit(const char* limit) {
  Options options;
  options.limits.push_back(parse_limit(limit).value());
  return options;
}

TEST(Server, AnswersChatOnAKeptConnection) {
  RunningServer server(with_limit("requests=1000/1m"));
  Client client;
  for (int i = 0; i < 5; ++i) {
    const Answer answer = client.post(server.url("/v1/chat/completions"), kBody);
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
  const Answer embeddings =
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
  const Answer refused = client.post(url, kBody);
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
  const Answer large = client.post(url, body(3'000'000));
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

const std::string kStreamBody =
    R"({"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":10,"stream":true})";

TEST(ServerStream, SendsEventsAtTheirPace) {
  Options options;
  options.tokens_per_s = 200;  // ten tokens: 50 ms
  RunningServer server(options);
  Client client;
  for (int i = 0; i < 3; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const Answer answer = client.post(server.url("/v1/chat/completions"), kStreamBody);
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
  const Answer answer = client.post(server.url("/v1/chat/completions"), body);
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
  const Answer answer = client.post(server.url("/v1/chat/completions"), kStreamBody);
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
