// A provider over HTTP that knows one key.
#ifndef LLMQ_TESTS_INTEGRATION_KEY_SERVER_H_
#define LLMQ_TESTS_INTEGRATION_KEY_SERVER_H_

#include <llmq/llmq.h>

#include <cstring>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "unit/http/scripted_server.h"

namespace llmq::test {

inline constexpr const char* kGood =
    R"({"choices":[{"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}})";

// What it is asked, for the model "m".
inline llmq_request_t greeting() {
  static const std::string kPayload =
      R"({"messages":[{"role":"user","content":"Hi"}],"max_tokens":4})";
  llmq_request_t request{};
  request.struct_size = sizeof request;
  request.operation = LLMQ_OP_CHAT;
  request.model = "m";
  request.model_len = 1;
  request.payload = kPayload.data();
  request.payload_len = kPayload.size();
  return request;
}

// A provider that knows one key, which `meanwhile` may change before a call is answered.
class KeyServer {
 public:
  explicit KeyServer(std::string key)
      : key_(std::move(key)),
        server_([this](http::Connection& connection) { serve(connection); }) {}

  std::string url() const { return server_.url(); }
  std::vector<std::string> keys() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return seen_;
  }
  std::function<void(int)> meanwhile;  // with the number of the call, from 1

 private:
  void serve(http::Connection& connection) {
    while (const auto request = connection.read_request()) {
      constexpr const char* kBefore = "Authorization: Bearer ";
      const size_t at = request->find(kBefore) + std::strlen(kBefore);
      const std::string key = request->substr(at, request->find('\r', at) - at);
      int number = 0;
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        seen_.push_back(key);
        number = static_cast<int>(seen_.size());
      }
      if (meanwhile) meanwhile(number);
      const bool good = key == key_;
      connection.write(
          good ? http::answer(kGood)
               : http::answer(R"({"error":{"code":"invalid_api_key"}})", "401 Unauthorized"));
    }
  }

  const std::string key_;
  std::mutex mutex_;
  std::vector<std::string> seen_;
  http::ScriptedServer server_;
};

}  // namespace llmq::test

#endif  // LLMQ_TESTS_INTEGRATION_KEY_SERVER_H_
