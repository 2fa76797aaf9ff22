#include "mock/peer.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace llmq::mock {

Peer::Peer(uv_loop_t* loop, int fd, std::function<void()> closed)
    : loop_(loop), fd_(fd), closed_(std::move(closed)) {
  poll_.data = this;
}

bool Peer::watch(std::function<void()> left) {
  // Made at the first wait: most connections of a mock without latency never need it.
  if (!is_polled_) {
    if (uv_poll_init(loop_, &poll_, fd_) != 0) return false;
    is_polled_ = true;
  }
  left_ = std::move(left);
  // Not UV_READABLE: a pipelined request is no reason to wake up.
  const int status = uv_poll_start(&poll_, UV_DISCONNECT, [](uv_poll_t* handle, int, int) {
    auto* peer = static_cast<Peer*>(handle->data);
    // Taken out first: what it calls may watch again.
    const std::function<void()> callback = std::move(peer->left_);
    peer->unwatch();
    if (callback) callback();
  });
  if (status != 0) left_ = nullptr;
  return status == 0;
}

void Peer::unwatch() {
  if (is_polled_) uv_poll_stop(&poll_);
  left_ = nullptr;
}

bool Peer::has_left() const {
  char byte = 0;
  const ssize_t got = recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (got > 0) return false;
  return got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

void Peer::close() {
  left_ = nullptr;
  if (!is_polled_) {
    const std::function<void()> closed = std::move(closed_);
    delete this;
    closed();
    return;
  }
  uv_poll_stop(&poll_);
  uv_close(reinterpret_cast<uv_handle_t*>(&poll_), [](uv_handle_t* handle) {
    auto* peer = static_cast<Peer*>(handle->data);
    const std::function<void()> closed = std::move(peer->closed_);
    delete peer;
    closed();
  });
}

void Peer::reset() {
  const linger at_once{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
#ifdef __linux__
  // libmicrohttpd shuts down before it closes, which would say goodbye first. This resets here and
  // now.
  sockaddr nowhere{};
  nowhere.sa_family = AF_UNSPEC;
  (void)connect(fd_, &nowhere, sizeof nowhere);
#endif
}

}  // namespace llmq::mock
