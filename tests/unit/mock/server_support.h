// A mock on a thread of its own, and clients that talk to it over sockets.
#ifndef LLMQ_TESTS_UNIT_MOCK_SERVER_SUPPORT_H_
#define LLMQ_TESTS_UNIT_MOCK_SERVER_SUPPORT_H_

#include <arpa/inet.h>
#include <curl/curl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "mock/json.h"
#include "mock/server.h"

namespace llmq::mock {

inline const std::string kBody =
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

struct Fetched {
  CURLcode code = CURLE_OK;
  long status = 0;
  long connects = 0;
  std::string body;
  std::string headers;
};

inline size_t append(char* data, size_t size, size_t count, void* text) {
  static_cast<std::string*>(text)->append(data, size * count);
  return size * count;
}

// Keeps its connection.
class Client {
 public:
  Client() : curl_(curl_easy_init(), &curl_easy_cleanup) {}

  Fetched post(const std::string& url, const std::string& body,
               const std::vector<std::string>& headers = {}) {
    curl_easy_reset(curl_.get());
    curl_easy_setopt(curl_.get(), CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(body.size()));
    curl_easy_setopt(curl_.get(), CURLOPT_POSTFIELDS, body.data());
    curl_slist* list = nullptr;
    for (const std::string& header : headers) list = curl_slist_append(list, header.c_str());
    curl_easy_setopt(curl_.get(), CURLOPT_HTTPHEADER, list);
    Fetched answer = perform(url);
    curl_slist_free_all(list);
    return answer;
  }

  Fetched get(const std::string& url) {
    curl_easy_reset(curl_.get());
    return perform(url);
  }

 private:
  Fetched perform(const std::string& url) {
    Fetched answer;
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

inline double stat(const RunningServer& server, const char* key) {
  Client client;
  const Json root(cJSON_Parse(client.get(server.url("/stats")).body.c_str()));
  return cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(root.get(), key));
}

// Asks until it is so: what a server on another thread does cannot be waited for otherwise.
inline testing::AssertionResult becomes(const RunningServer& server, const char* key,
                                        double expected) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  double last = 0;
  while (std::chrono::steady_clock::now() < deadline) {
    last = stat(server, key);
    if (last == expected) return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << key << " is " << last << ", not " << expected;
}

inline Options with_limit(const char* limit) {
  Options options;
  options.limits.push_back(parse_limit(limit).value());
  return options;
}

}  // namespace llmq::mock

#endif  // LLMQ_TESTS_UNIT_MOCK_SERVER_SUPPORT_H_
