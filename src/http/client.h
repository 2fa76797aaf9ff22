// HTTP calls on the loop: libcurl's multi interface driven by libuv. Used on the loop's thread
// only.
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
#include "http/findings.h"
#include "provider/provider.h"

struct uv_loop_s;

namespace llmq::http {

struct ClientOptions {
  // In total, idle ones included. Calls beyond it wait; their time-outs begin when they run.
  int64_t max_connections = 1024;
  // A longer answer, headers included, is a kTransport error that says so.
  int64_t max_response_bytes = int64_t{256} * 1024 * 1024;
};

// Transport settings of one deployment.
struct Transport {
  core::DurationNs connect_timeout = core::seconds(10);
  std::string ca_file;           // "" = the system's
  std::string client_cert_file;  // PEM; "" = none
  std::string client_key_file;   // PEM; "" = in client_cert_file
  std::string proxy;             // "" = as the environment says, "none" = no proxy
  bool verify_tls = true;        // never off unless a test asks
};

// One POST. The body must live until on_done, or until cancel returns. Redirects are not followed,
// and nothing is sent twice: a kept connection that dies under a request ends the call, so that a
// resend is paid for.
struct Call {
  provider::WireRequest wire;
  std::string_view body;
  core::DurationNs
      timeout{};  // whole call; 0 = none (the engine has its own, this is the last resort)
  Transport transport;

  // Set: the bytes of a 2xx answer go here as they come, with the answer's head (its body empty),
  // and not into the result. False pauses the call: nothing more is read until resume(), so that
  // what waits here stays under 100 KiB. Other answers come whole, as ever.
  std::function<bool(const provider::WireResponse& head, std::string_view bytes)> on_data;
  // Such an answer that then says nothing for so long ends with kTimeout; 0 = none. While a call
  // is paused this time stands still, `timeout` does not.
  core::DurationNs idle_timeout{};

  // Set: the result tells what was found on the way.
  bool looks_closely = false;
  // The call ends well when the connection is ready: no request is sent.
  bool connects_only = false;
};

struct CallResult {
  core::Status status =
      core::Status::kUnknown;  // kOk: `response` is whole; kTransport / kTimeout otherwise
  std::string message;         // for people, never holds a key
  bool permanent = false;      // a new try would fail in the same way, whatever the status
  bool sent = false;           // request bytes may have reached the server: on_sent ran
  provider::WireResponse response;
  std::unique_ptr<Findings> findings;  // of a call that looks closely
};

using CallId = uint64_t;  // never 0 for a call

// Owns the connections. No callback runs inside another function of the client, so that each may
// call all of them. Destroy only after close() has called back.
class Client {
 public:
  virtual ~Client() = default;

  // Starts a call. on_sent runs once, as soon as the connection was ready and the request went out
  // (PREREQFUNCTION; in the same turn of the loop), and before on_done; on_done runs exactly once,
  // never inside start(), unless the call is cancelled first.
  virtual CallId start(Call call, std::function<void()> on_sent,
                       std::function<void(CallResult)> on_done) = 0;

  // Goes on with a call that its on_data paused. Others are left alone.
  virtual void resume(CallId id) = 0;

  // Closes the call's connection at once; no callback runs afterwards. Unknown ids are ignored.
  virtual void cancel(CallId id) = 0;

  // Cancels everything and closes every libuv handle; closed runs on the loop when nothing is left.
  // A start after this starts nothing, calls nothing and returns 0.
  virtual void close(std::function<void()> closed) = 0;
};

core::Result<std::unique_ptr<Client>> create_client(uv_loop_s* loop, ClientOptions options);

}  // namespace llmq::http

#endif  // LLMQ_HTTP_CLIENT_H_
