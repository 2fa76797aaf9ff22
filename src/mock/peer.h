// The other end of one connection: has it left?
#ifndef LLMQ_MOCK_PEER_H_
#define LLMQ_MOCK_PEER_H_

#include <uv.h>

#include <functional>

namespace llmq::mock {

// libmicrohttpd does not look at a suspended connection, so it never learns that its client left.
// This watches the socket meanwhile. One per connection; deletes itself once the loop has let go of
// it.
class Peer {
 public:
  // closed is called from the loop when the peer is gone.
  Peer(uv_loop_t* loop, int fd, std::function<void()> closed);

  // Calls left once when the client hangs up. Until unwatch() the socket must stay open. False if
  // the loop cannot watch it.
  bool watch(std::function<void()> left);
  void unwatch();
  bool is_watching() const { return left_ != nullptr; }
  // Asks the socket itself, for when the news may still be waiting in the loop.
  bool has_left() const;
  // To be called once, before the connection's socket is closed.
  void close();

  // Sends a reset instead of an orderly end.
  void reset();

 private:
  ~Peer() = default;

  uv_loop_t* loop_;
  int fd_;
  std::function<void()> closed_;
  std::function<void()> left_;
  bool is_polled_ = false;  // poll_ is known to the loop
  uv_poll_t poll_{};
};

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_PEER_H_
