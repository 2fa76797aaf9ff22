// The sockets of libcurl, watched by libuv.
#ifndef LLMQ_HTTP_SOCKET_WATCHER_H_
#define LLMQ_HTTP_SOCKET_WATCHER_H_

#include <curl/curl.h>
#include <uv.h>

#include <functional>
#include <unordered_map>

namespace llmq::http {

// How many libuv handles are still open; the owner may go when none_left has run.
struct OpenHandles {
  int count = 0;
  std::function<void()> none_left;

  void release() {
    if (--count == 0 && none_left) {
      const std::function<void()> last = std::move(none_left);
      last();  // may destroy this
    }
  }
};

// Tells libcurl when a socket that it waits for is ready.
//
// libcurl forgets a socket between two calls on a kept connection. The poll handle of a socket that
// libcurl opened as a connection stays until that socket closes, and goes on waiting for input
// while nobody asks: a call on a kept connection then costs no epoll_ctl at all. What libcurl opens
// otherwise (the resolver's pair) is watched only while it asks.
class SocketWatcher {
 public:
  using OnReady = std::function<void(curl_socket_t socket, int curl_events)>;

  SocketWatcher(uv_loop_t* loop, OpenHandles* handles, OnReady on_ready)
      : loop_(loop), handles_(handles), on_ready_(std::move(on_ready)) {}
  SocketWatcher(const SocketWatcher&) = delete;
  SocketWatcher& operator=(const SocketWatcher&) = delete;

  // A connection's socket: from its creation to just before its close(2). False if libuv cannot
  // watch it.
  bool opened(curl_socket_t socket);
  void closing(curl_socket_t socket);

  // What libcurl waits for now: a CURL_POLL_ constant.
  void want(curl_socket_t socket, int what);

  void close_all();

 private:
  struct Watch {
    uv_poll_t poll{};
    SocketWatcher* owner = nullptr;
    curl_socket_t socket = CURL_SOCKET_BAD;
    int wanted = 0;  // by libcurl, UV_READABLE | UV_WRITABLE
    int polled = 0;  // by libuv
    bool kept = false;
  };

  Watch* add(curl_socket_t socket, bool kept);
  Watch* find(curl_socket_t socket);
  void drop(Watch* watch);
  void poll(Watch& watch, int events);
  void ready(Watch& watch, int status, int events);
  static void on_poll(uv_poll_t* handle, int status, int events);

  uv_loop_t* const loop_;
  OpenHandles* const handles_;
  const OnReady on_ready_;
  std::unordered_map<curl_socket_t, Watch*> watches_;
};

}  // namespace llmq::http

#endif  // LLMQ_HTTP_SOCKET_WATCHER_H_
