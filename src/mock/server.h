// The mock provider on a socket: `llmq mock`, and the other side of the integration tests.
#ifndef LLMQ_MOCK_SERVER_H_
#define LLMQ_MOCK_SERVER_H_

#include <uv.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "mock/options.h"
#include "mock/result.h"

namespace llmq::mock {

// Of libmicrohttpd, as it is in this process: "0.9.75".
const char* http_library_version();

class HttpFront;

// An HTTP/1.1 server on 127.0.0.1 that runs on the caller's loop and thread; every function belongs
// there.
//
// POST /v1/chat/completions and /v1/embeddings, GET /v1/models (all also without /v1), GET /stats;
// 404 for the rest. Any key is good but "invalid" (401) and "quota" (429, insufficient_quota).
class Server {
 public:
  static Result<std::unique_ptr<Server>> start(uv_loop_t* loop, const Options& options);
  // Without stop(): stops, and lets the loop finish the closing, which must run at least once more.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  uint16_t port() const;
  // What GET /stats answers.
  std::string stats_json() const;
  // Closes every connection, answered or not. closed is called from the loop, when nothing of the
  // server is left on it. Only once.
  void stop(std::function<void()> closed);

 private:
  explicit Server(HttpFront* front) : front_(front) {}

  HttpFront* front_;  // deletes itself once it is off the loop and nobody holds it
};

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_SERVER_H_
