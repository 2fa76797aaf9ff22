// Pieces of a streamed response on their way to the caller, and how many of them may be on it.
//
// A chunk is made by whoever runs the attempt, goes through the loop to the request's completion
// queue or callback, and counts until it is released. While too much is on the way, the runner
// waits: a transfer is paused, a processor is told to come again. So a slow reader bounds the
// memory.
#ifndef LLMQ_RUNTIME_CHUNK_H_
#define LLMQ_RUNTIME_CHUNK_H_

#include <llmq/llmq.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/job.h"

namespace llmq::provider {
class StreamReader;
}

namespace llmq::runtime {

class Loop;
struct Piece;

// What the chunks of one request hold that nobody has released yet. Shared by the request and its
// chunks, which may outlive the request and its manager.
class StreamBuffer : public std::enable_shared_from_this<StreamBuffer> {
 public:
  StreamBuffer(std::weak_ptr<Loop> loop, size_t limit) : loop_(std::move(loop)), limit_(limit) {}

  // Whose it is; before the first chunk.
  void set_request(uint64_t id) { request_ = id; }

  // One with the same bounds, for another record.
  std::shared_ptr<StreamBuffer> another(uint64_t request) const {
    auto buffer = std::make_shared<StreamBuffer>(loop_, limit_);
    buffer->set_request(request);
    return buffer;
  }

  void add(size_t bytes) { held_.fetch_add(bytes, std::memory_order_seq_cst); }
  // False: it would be too much. One chunk may always be on the way, whatever its size.
  bool try_add(size_t bytes);
  // From any thread. Goes on with a transfer that waits when half of the room is free.
  void release(size_t bytes);

  bool full() const { return held_.load(std::memory_order_relaxed) >= limit_; }
  // On the loop: nothing more may come until there is room, of which the loop will be told.
  bool must_wait();
  // On the loop, which is told by this node: the request that may go on.
  static uint64_t whose_room(Node* node);

 private:
  // Tells the loop of room, without memory for that.
  struct Room {
    Node node;                             // first member
    std::shared_ptr<StreamBuffer> buffer;  // while it is on its way
  };

  const std::weak_ptr<Loop> loop_;
  const size_t limit_;
  uint64_t request_ = 0;
  std::atomic<size_t> held_{0};
  std::atomic<bool> waits_{false};
  std::atomic<bool> room_on_way_{false};
  Room room_;
};

// What one piece of a call takes of that call's buffer, where several share the call: free when the
// first of them has released the piece.
class SharedRoom {
 public:
  SharedRoom(std::shared_ptr<StreamBuffer> buffer, size_t bytes)
      : buffer_(std::move(buffer)), bytes_(bytes) {}
  SharedRoom(const SharedRoom&) = delete;
  SharedRoom& operator=(const SharedRoom&) = delete;
  ~SharedRoom() { free(); }

  void free() {
    if (!free_.exchange(true, std::memory_order_relaxed)) buffer_->release(bytes_);
  }

 private:
  const std::shared_ptr<StreamBuffer> buffer_;
  const size_t bytes_;
  std::atomic<bool> free_{false};
};

struct Chunk {
  Node node;  // first member
  uint8_t attempt = 0;
  uint64_t request_id = 0;
  uint64_t call_id = 0;  // whose attempt it is: the request's own, or of a call that it shares
  uint64_t user_data = 0;
  int64_t output_tokens = 0;         // of the attempt, so far
  CompletionQueue* queue = nullptr;  // holds a reference to it
  std::shared_ptr<StreamBuffer> buffer;
  std::shared_ptr<SharedRoom> room;
  const std::shared_ptr<const Memory> memory;
  Text data{Allocator<char>(memory.get())};
  bool counted = false;  // its cost is with the buffer

  Chunk(const Job& job, uint8_t number, std::string_view text);
  // For one of those who share a call; 0 and 0: from the cache.
  Chunk(const Job& follower, uint64_t call, uint8_t number, const Piece& piece,
        std::shared_ptr<SharedRoom> its_room);
  ~Chunk() {
    if (counted) buffer->release(cost());
    if (room != nullptr) room->free();
  }
  Chunk(const Chunk&) = delete;
  Chunk& operator=(const Chunk&) = delete;

  static Chunk* of(Node* its_node) { return reinterpret_cast<Chunk*>(its_node); }
  size_t cost() const { return sizeof(Chunk) + data.size(); }
  // What it has been counted for, to be held by others; nullptr if it was not.
  std::shared_ptr<SharedRoom> share_room();
};

// The CHUNK event; without a handle.
void fill_chunk_event(const Chunk& chunk, llmq_event_t& event);

// What the loop remembers of the attempt that streams, and where its chunks are counted.
struct Stream {
  Stream();
  ~Stream();
  // The attempt is over.
  void end();

  std::shared_ptr<StreamBuffer> buffer;
  // The loop's own:
  uint8_t attempt = 0;          // whose output has begun; 0 = of none
  core::TimeNs first_output{};  // of that attempt
  int64_t told_tokens = 0;      // output that the engine knows of
  core::TimeNs told_at{};
  // Of a call over HTTP:
  std::unique_ptr<provider::StreamReader> reader;
  std::string body;                               // as it is sent
  std::vector<std::unique_ptr<Chunk>> held_back;  // until output has begun
};

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_CHUNK_H_
