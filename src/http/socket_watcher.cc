#include "http/socket_watcher.h"

#include <memory>
#include <new>

namespace llmq::http {
namespace {

int uv_events_of(int what) {
  switch (what) {
    case CURL_POLL_IN:
      return UV_READABLE;
    case CURL_POLL_OUT:
      return UV_WRITABLE;
    case CURL_POLL_INOUT:
      return UV_READABLE | UV_WRITABLE;
    default:
      return 0;
  }
}

int curl_events_of(int events) {
  return ((events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0) |
         ((events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0);
}

}  // namespace

SocketWatcher::Watch* SocketWatcher::find(curl_socket_t socket) {
  const auto found = watches_.find(socket);
  return found == watches_.end() ? nullptr : found->second;
}

SocketWatcher::Watch* SocketWatcher::add(curl_socket_t socket, bool kept) {
  if (Watch* stale = find(socket); stale != nullptr) drop(stale);
  auto watch = std::make_unique<Watch>();
  Watch*& known = watches_[socket];
  if (uv_poll_init_socket(loop_, &watch->poll, socket) != 0) {
    watches_.erase(socket);
    return nullptr;
  }
  ++handles_->count;
  watch->poll.data = watch.get();
  watch->owner = this;
  watch->socket = socket;
  watch->kept = kept;
  known = watch.get();
  return watch.release();  // freed when libuv has closed it
}

void SocketWatcher::drop(Watch* watch) {
  watches_.erase(watch->socket);
  uv_close(reinterpret_cast<uv_handle_t*>(&watch->poll), [](uv_handle_t* handle) {
    const std::unique_ptr<Watch> closed(static_cast<Watch*>(handle->data));
    closed->owner->handles_->release();
  });
}

// Nothing may be thrown through libcurl.
bool SocketWatcher::opened(curl_socket_t socket) {
  try {
    return add(socket, true) != nullptr;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void SocketWatcher::closing(curl_socket_t socket) {
  if (Watch* watch = find(socket); watch != nullptr) drop(watch);
}

void SocketWatcher::close_all() {
  while (!watches_.empty()) drop(watches_.begin()->second);
}

void SocketWatcher::want(curl_socket_t socket, int what) {
  Watch* watch = find(socket);
  if (watch == nullptr && what != CURL_POLL_REMOVE) watch = add(socket, false);
  if (watch == nullptr) return;
  watch->wanted = uv_events_of(what);
  if (watch->wanted == 0 && !watch->kept) return drop(watch);
  const bool idle = watch->wanted == 0 && watch->polled == UV_READABLE;
  if (!idle) poll(*watch, watch->wanted);
}

void SocketWatcher::poll(Watch& watch, int events) {
  if (watch.polled == events) return;
  const int failed =
      events == 0 ? uv_poll_stop(&watch.poll) : uv_poll_start(&watch.poll, events, on_poll);
  watch.polled = failed == 0 ? events : 0;
}

void SocketWatcher::on_poll(uv_poll_t* handle, int status, int events) {
  auto* const watch = static_cast<Watch*>(handle->data);
  watch->owner->ready(*watch, status, events);
}

void SocketWatcher::ready(Watch& watch, int status, int events) {
  if (status < 0) {
    // libuv has stopped the handle. libcurl finds out by itself what broke, and reads what came
    // before.
    watch.polled = 0;
    events = watch.wanted;
  }
  if (watch.wanted == 0) return poll(watch, 0);  // the peer closed an idle connection
  if ((events & watch.wanted) == 0) return poll(watch, watch.wanted);
  const curl_socket_t socket = watch.socket;
  on_ready_(socket, curl_events_of(events));
  if (status >= 0) return;
  if (Watch* still = find(socket); still != nullptr) poll(*still, still->wanted);
}

}  // namespace llmq::http
