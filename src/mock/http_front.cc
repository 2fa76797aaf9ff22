#include "mock/http_front.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "mock/provider.h"

namespace llmq::mock {

namespace {

constexpr size_t kMaxBody = size_t{64} << 20U;
constexpr unsigned kMaxConnections = 16'384;
constexpr size_t kStreamBlock = size_t{16} << 10U;

MHD_Result to_result(bool good) { return good ? MHD_YES : MHD_NO; }

int64_t unix_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

std::string_view value_of(MHD_Connection* connection, MHD_ValueKind kind, const char* name) {
  const char* value = MHD_lookup_connection_value(connection, kind, name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

std::string_view header_of(MHD_Connection* connection, const char* name) {
  return value_of(connection, MHD_HEADER_KIND, name);
}

std::string_view argument_of(MHD_Connection* connection, const char* name) {
  return value_of(connection, MHD_GET_ARGUMENT_KIND, name);
}

Call too_large_call() {
  Problem problem;
  problem.kind = ProblemKind::kBodyTooLarge;
  problem.message = "The body is larger than this mock accepts (64 MiB).";
  ErrorReply error = kOpenAi.describe(problem);
  Call call;
  call.provider = &kOpenAi;
  call.ready = Reply{error.status, std::move(error.body), {{"Content-Type", "application/json"}}};
  return call;
}

MHD_Response* whole_response(const Reply& reply) {
  // Copied by libmicrohttpd.
  auto* body = const_cast<char*>(reply.body.data());
  return MHD_create_response_from_buffer(reply.body.size(), body, MHD_RESPMEM_MUST_COPY);
}

MHD_Result send(MHD_Connection* connection, const Reply& reply, MHD_Response* response) {
  if (response == nullptr) return MHD_NO;
  for (const auto& [name, value] : reply.headers) {
    MHD_add_response_header(response, name.c_str(), value.c_str());
  }
  const MHD_Result queued =
      MHD_queue_response(connection, static_cast<unsigned>(reply.status), response);
  MHD_destroy_response(response);
  return queued;
}

}  // namespace

HttpFront::HttpFront(uv_loop_t* loop, const Options& options) : loop_(loop), service_(options) {}

std::string HttpFront::open(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const std::string where = "cannot listen on 127.0.0.1:" + std::to_string(port) + ": ";
  if (MHD_is_feature_supported(MHD_FEATURE_EPOLL) != MHD_YES) {
    return where + "this system's libmicrohttpd has no epoll";
  }
  errno = 0;
  daemon_ = MHD_start_daemon(
      static_cast<unsigned>(MHD_USE_EPOLL) | static_cast<unsigned>(MHD_ALLOW_SUSPEND_RESUME), port,
      nullptr, nullptr, &HttpFront::on_request, this,                 //
      MHD_OPTION_SOCK_ADDR, reinterpret_cast<sockaddr*>(&address),    //
      MHD_OPTION_CONNECTION_LIMIT, kMaxConnections,                   //
      MHD_OPTION_NOTIFY_COMPLETED, &HttpFront::on_completed, this,    //
      MHD_OPTION_NOTIFY_CONNECTION, &HttpFront::on_connection, this,  //
      MHD_OPTION_END);
  if (daemon_ == nullptr) return where + (errno == 0 ? "unknown reason" : std::strerror(errno));

  port_ = MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_BIND_PORT)->port;
  const int epoll_fd = MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
  const int status = uv_poll_init(loop_, &poll_, epoll_fd);
  if (status != 0) {
    MHD_stop_daemon(std::exchange(daemon_, nullptr));
    return where + uv_strerror(status);
  }
  uv_timer_init(loop_, &timer_);
  poll_.data = this;
  timer_.data = this;
  open_handles_ = 2;
  uv_poll_start(&poll_, UV_READABLE,
                [](uv_poll_t* handle, int, int) { static_cast<HttpFront*>(handle->data)->run(); });
  return "";
}

std::string HttpFront::stats_json() const { return service_.stats_json(clock()); }

void HttpFront::close(std::function<void()> closed) {
  is_closing_ = true;
  closed_ = std::move(closed);
  if (daemon_ != nullptr) {
    // libmicrohttpd aborts the program if it is stopped with a connection suspended.
    while (!waiting_.empty()) on_left(**waiting_.begin());
    uv_poll_stop(&poll_);
    MHD_stop_daemon(std::exchange(daemon_, nullptr));
    const auto on_closed = [](uv_handle_t* handle) {
      static_cast<HttpFront*>(handle->data)->handle_closed();
    };
    uv_close(reinterpret_cast<uv_handle_t*>(&poll_), on_closed);
    uv_close(reinterpret_cast<uv_handle_t*>(&timer_), on_closed);
  }
}

void HttpFront::release() {
  is_released_ = true;
  if (!is_closing_) close(nullptr);
  maybe_delete();
}

void HttpFront::handle_closed() {
  if (--open_handles_ > 0) return;
  const bool was_released = is_released_;
  const std::function<void()> closed = std::exchange(closed_, nullptr);
  if (closed) closed();  // if this releases, nothing of *this may be touched any more
  if (!closed || was_released) maybe_delete();
}

void HttpFront::maybe_delete() {
  if (is_released_ && is_closing_ && open_handles_ == 0) delete this;
}

// ---- libmicrohttpd's side

void HttpFront::on_connection(void* front, MHD_Connection* connection, void** peer,
                              MHD_ConnectionNotificationCode what) {
  auto* self = static_cast<HttpFront*>(front);
  if (what == MHD_CONNECTION_NOTIFY_STARTED) {
    const int fd =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    ++self->open_handles_;
    *peer = new Peer(self->loop_, fd, [self] { self->handle_closed(); });
  } else if (*peer != nullptr) {
    static_cast<Peer*>(std::exchange(*peer, nullptr))->close();
  }
}

MHD_Result HttpFront::on_request(void* front, MHD_Connection* connection, const char* url,
                                 const char* method, const char* /*version*/, const char* data,
                                 size_t* size, void** exchange) {
  auto* self = static_cast<HttpFront*>(front);
  if (*exchange == nullptr) {
    // Only the headers are here; queueing an answer now would close the connection.
    *exchange = self->begin(connection);
    return MHD_YES;
  }
  auto& current = *static_cast<Exchange*>(*exchange);
  if (*size > 0) {
    take_data(current, data, std::exchange(*size, 0));
    return MHD_YES;
  }
  return self->serve(current, url, method);
}

void HttpFront::on_completed(void* front, MHD_Connection* /*connection*/, void** exchange,
                             MHD_RequestTerminationCode /*reason*/) {
  if (*exchange == nullptr) return;
  static_cast<HttpFront*>(front)->end(static_cast<Exchange*>(std::exchange(*exchange, nullptr)));
}

HttpFront::Exchange* HttpFront::begin(MHD_Connection* connection) {
  auto* exchange = new Exchange;
  exchange->front = this;
  exchange->connection = connection;
  exchange->peer = static_cast<Peer*>(
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context);
  return exchange;
}

void HttpFront::take_data(Exchange& exchange, const char* data, size_t size) {
  if (exchange.body.size() + size > kMaxBody) {
    exchange.state = Exchange::State::kTooLarge;
    exchange.body = std::string();
  }
  if (exchange.state == Exchange::State::kReading) exchange.body.append(data, size);
}

Incoming HttpFront::incoming_of(const Exchange& exchange, const char* url, const char* method) {
  const auto line = [&](const char* name) { return header_of(exchange.connection, name); };
  const auto argument = [&](const char* name) { return argument_of(exchange.connection, name); };
  Incoming incoming;
  incoming.method = method;
  incoming.path = url;
  incoming.authorization = line("Authorization");
  incoming.request_key = line("x-request-key");
  incoming.body = exchange.body;
  incoming.x_api_key = line("x-api-key");
  incoming.api_key = line("api-key");
  incoming.x_goog_api_key = line("x-goog-api-key");
  incoming.anthropic_version = line("anthropic-version");
  incoming.alt = argument("alt");
  incoming.api_version = argument("api-version");
  incoming.key = argument("key");
  return incoming;
}

MHD_Result HttpFront::serve(Exchange& exchange, const char* url, const char* method) {
  switch (exchange.state) {
    case Exchange::State::kTooLarge:
      exchange.call = too_large_call();
      return answer(exchange);
    case Exchange::State::kReading:
      break;
    case Exchange::State::kDue:
      return answer(exchange);
    case Exchange::State::kWaiting:
    case Exchange::State::kStreaming:
    case Exchange::State::kAnswered:
      return MHD_YES;
    case Exchange::State::kLeft:
      return MHD_NO;
  }
  if (service_.is_full()) end_those_who_left();
  exchange.call = service_.arrive(incoming_of(exchange, url, method), clock(), unix_ms());
  exchange.body = std::string();
  if (exchange.call.action == Action::kReset) {
    exchange.state = Exchange::State::kLeft;
    exchange.peer->reset();
    return MHD_NO;
  }
  if (exchange.call.action == Action::kHang) return to_result(wait(exchange, std::nullopt));
  if (exchange.call.latency == Nanos(0)) return answer(exchange);
  return to_result(wait(exchange, clock() + exchange.call.latency));
}

bool HttpFront::wait(Exchange& exchange, std::optional<Nanos> until) {
  const bool can_watch = exchange.peer->watch([this, &exchange] {
    on_left(exchange);
    run();
  });
  if (!can_watch) return false;  // end() tells the service
  exchange.state = Exchange::State::kWaiting;
  waiting_.insert(&exchange);
  if (until) {
    exchange.due = due_.emplace(*until, &exchange);
    exchange.is_timed = true;
  }
  MHD_suspend_connection(exchange.connection);
  return true;
}

MHD_Result HttpFront::answer(Exchange& exchange) {
  const Reply reply = service_.answer(exchange.call, clock(), unix_ms());
  if (exchange.call.stream == nullptr) {
    exchange.state = Exchange::State::kAnswered;
    return send(exchange.connection, reply, whole_response(reply));
  }
  exchange.state = Exchange::State::kStreaming;
  exchange.is_streaming = true;
  return send(exchange.connection, reply,
              MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, kStreamBlock, &HttpFront::on_read,
                                                &exchange, nullptr));
}

ssize_t HttpFront::on_read(void* exchange, uint64_t /*position*/, char* buffer, size_t size) {
  auto* current = static_cast<Exchange*>(exchange);
  return current->front->read(*current, buffer, size);
}

ssize_t HttpFront::read(Exchange& exchange, char* buffer, size_t size) {
  using State = Exchange::State;
  if (exchange.taken == exchange.pending.size()) {
    exchange.pending.clear();
    exchange.taken = 0;
    while (exchange.state == State::kStreaming && exchange.pending.size() < size) {
      if (!read_step(exchange)) break;
    }
  }
  const size_t part = std::min(size, exchange.pending.size() - exchange.taken);
  if (part > 0) {
    exchange.pending.copy(buffer, part, exchange.taken);
    exchange.taken += part;
    return static_cast<ssize_t>(part);
  }
  if (exchange.state == State::kWaiting) return 0;
  const bool is_whole = exchange.state == State::kAnswered && !exchange.is_cut;
  return is_whole ? MHD_CONTENT_READER_END_OF_STREAM : MHD_CONTENT_READER_END_WITH_ERROR;
}

bool HttpFront::read_step(Exchange& exchange) {
  using Kind = Stream::Step::Kind;
  Stream::Step step = service_.next(exchange.call, clock());
  exchange.pending += step.data;
  switch (step.kind) {
    case Kind::kData:
      return true;
    case Kind::kWait:
    case Kind::kStall:
      // What is pending goes out first; the same step comes again.
      if (exchange.pending.empty()) {
        const bool is_timed = step.kind == Kind::kWait;
        wait(exchange, is_timed ? std::optional<Nanos>(step.at) : std::nullopt);
      }
      break;
    case Kind::kEnd:
    case Kind::kCut:
      exchange.state = Exchange::State::kAnswered;
      exchange.is_cut = step.kind == Kind::kCut;
      break;
  }
  return false;
}

void HttpFront::end(Exchange* exchange) {
  using State = Exchange::State;
  // kDue: its time had come, but the client was gone before libmicrohttpd asked for the answer.
  // kStreaming: it was gone in the middle. kReading: no call was accepted, unless its socket could
  // not be watched.
  if (exchange->state == State::kDue || exchange->state == State::kStreaming ||
      exchange->state == State::kReading) {
    service_.leave(exchange->call);
  }
  delete exchange;
}

void HttpFront::resume(Exchange& exchange, Exchange::State state) {
  exchange.peer->unwatch();
  exchange.state = state;
  waiting_.erase(&exchange);
  if (exchange.is_timed) due_.erase(exchange.due);
  exchange.is_timed = false;
  MHD_resume_connection(exchange.connection);
}

void HttpFront::on_left(Exchange& exchange) {
  service_.leave(exchange.call);
  resume(exchange, Exchange::State::kLeft);
}

void HttpFront::end_those_who_left() {
  // A client may hang up and come back on another connection before the loop hears of the first.
  for (auto next = waiting_.begin(); next != waiting_.end();) {
    Exchange& exchange = **next++;
    if (exchange.peer->has_left()) on_left(exchange);
  }
}

// ---- the loop's side

void HttpFront::run() {
  if (daemon_ == nullptr) return;
  MHD_run(daemon_);
  arm_timer();
}

void HttpFront::run_due() {
  const Nanos now = clock();
  while (!due_.empty() && due_.begin()->first <= now) {
    Exchange& exchange = *due_.begin()->second;
    resume(exchange, exchange.is_streaming ? Exchange::State::kStreaming : Exchange::State::kDue);
  }
  run();
}

void HttpFront::arm_timer() {
  MHD_UNSIGNED_LONG_LONG http_ms = 0;
  const bool has_http = MHD_get_timeout(daemon_, &http_ms) == MHD_YES;
  if (!has_http && due_.empty()) {
    uv_timer_stop(&timer_);
    return;
  }
  uint64_t ms = has_http ? static_cast<uint64_t>(http_ms) : UINT64_MAX;
  if (!due_.empty()) {
    const auto left = static_cast<uint64_t>(to_ms_rounded_up(due_.begin()->first - clock()));
    ms = std::min(ms, left);
  }
  // The timer counts from the loop's idea of now, which is as old as this iteration.
  uv_update_time(loop_);
  uv_timer_start(
      &timer_, [](uv_timer_t* handle) { static_cast<HttpFront*>(handle->data)->run_due(); }, ms, 0);
}

}  // namespace llmq::mock
