// HTTP calls on the loop: libcurl's multi interface driven by libuv. Used on the loop's thread only.
#ifndef LLMQ_HTTP_CLIENT_H_
#define LLMQ_HTTP_CLIENT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "provider/provider.h"

struct uv_loop_s;

namespace llmq::http {

struct ClientOptions {
  int64_t max_connections = 1024;              // in total, idle ones included
  int64_t max_response_bytes = 256 * 1024 * 1024;  // a longer body is a kTransport error that says so
};

// Transport settings of one deployment.
struct Transport {
  core::DurationNs connect_timeout = core::seconds(10);
  std::string ca_file;         // "" = the system's
  bool verify_tls = true;      // never off unless a test asks
};

// One POST. The body must live until on_done, or until cancel returns.
struct Call {
  provider::WireRequest wire;
  std::string_view body;
  core::DurationNs timeout{};  // whole call; 0 = none (the engine has its own, this is the last resort)
  Transport transport;
};

struct CallResult {
  core::Status status = core::Status::kUnknown;  // kOk: `response` is whole; kTransport / kTimeout otherwise
  std::string message;                           // for people, never holds a key
  bool sent = false;                             // request bytes may have reached the server
  provider::WireResponse response;
};

using CallId = uint64_t;  // never 0

// Owns the connections. Destroy only after close() has called back.
class Client {
 public:
  virtual ~Client() = default;

  // Starts a call. on_sent runs once, when the connection is ready and the request is about to be written
  // (PREREQFUNCTION); on_done runs exactly once, never inside start(), unless the call is cancelled first.
  virtual CallId start(Call call, std::function<void()> on_sent,
                       std::function<void(CallResult)> on_done) = 0;

  // Closes the call's connection at once; neither callback runs afterwards. Unknown ids are ignored.
  virtual void cancel(CallId id) = 0;

  // Cancels everything and closes every libuv handle; closed runs on the loop when nothing is left.
  virtual void close(std::function<void()> closed) = 0;
};

core::Result<std::unique_ptr<Client>> create_client(uv_loop_s* loop, ClientOptions options);

}  // namespace llmq::http

#endif  // LLMQ_HTTP_CLIENT_H_
