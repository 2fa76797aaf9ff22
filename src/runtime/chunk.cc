#include "runtime/chunk.h"

#include <utility>

#include "provider/stream_reader.h"
#include "runtime/flights.h"
#include "runtime/ids.h"
#include "runtime/loop.h"

namespace llmq::runtime {

bool StreamBuffer::try_add(size_t bytes) {
  size_t held = held_.load(std::memory_order_relaxed);
  do {
    if (held > 0 && held + bytes > limit_) return false;
  } while (!held_.compare_exchange_weak(held, held + bytes, std::memory_order_seq_cst));
  return true;
}

void StreamBuffer::release(size_t bytes) {
  const size_t left = held_.fetch_sub(bytes, std::memory_order_seq_cst) - bytes;
  if (left > limit_ / 2 || !waits_.exchange(false, std::memory_order_seq_cst)) return;
  const std::shared_ptr<Loop> loop = loop_.lock();
  if (loop == nullptr) return;
  const GatePass pass(loop->gate);
  if (!pass || room_on_way_.exchange(true, std::memory_order_acq_rel)) return;
  room_.node.kind = Node::Kind::kRoom;
  room_.buffer = shared_from_this();
  loop->push(&room_.node);
}

uint64_t StreamBuffer::whose_room(Node* node) {
  const auto buffer = std::move(reinterpret_cast<Room*>(node)->buffer);
  buffer->room_on_way_.store(false, std::memory_order_release);
  return buffer->request_;
}

// A release between the two looks sees waits_ and is heard; one before the first has made room.
bool StreamBuffer::must_wait() {
  if (held_.load(std::memory_order_seq_cst) < limit_) return false;
  waits_.store(true, std::memory_order_seq_cst);
  if (held_.load(std::memory_order_seq_cst) > limit_ / 2) return true;
  return !waits_.exchange(false, std::memory_order_seq_cst);
}

Chunk::Chunk(const Job& job, uint8_t number, std::string_view text)
    : attempt(number),
      request_id(job.request.id),
      call_id(job.request.id),
      user_data(job.user_data),
      buffer(job.extra->stream->buffer),
      memory(job.home->memory) {
  data = text;
  node.kind = Node::Kind::kChunk;
}

Chunk::Chunk(const Job& follower, uint64_t call, uint8_t number, const Piece& piece,
             std::shared_ptr<SharedRoom> its_room)
    : attempt(number),
      request_id(follower.request.id),
      call_id(call),
      user_data(follower.user_data),
      output_tokens(piece.output_tokens),
      room(std::move(its_room)),
      memory(follower.home->memory) {
  data = piece.data;
  node.kind = Node::Kind::kChunk;
}

std::shared_ptr<SharedRoom> Chunk::share_room() {
  if (!counted) return nullptr;
  auto shared = std::make_shared<SharedRoom>(buffer, cost());
  counted = false;
  return shared;
}

Stream::Stream() = default;
Stream::~Stream() = default;

void Stream::end() {
  reader.reset();
  held_back.clear();
  std::string().swap(body);
}

void fill_chunk_event(const Chunk& chunk, llmq_event_t& event) {
  event.type = LLMQ_EV_CHUNK;
  event.request_id = chunk.request_id;
  event.attempt_id = chunk.call_id == 0 ? 0 : attempt_id(chunk.call_id, chunk.attempt);
  event.user_data = chunk.user_data;
  event.data = chunk.data.c_str();
  event.data_len = chunk.data.size();
  event.output_tokens = chunk.output_tokens;
  event.attempt = chunk.attempt;
  event.state = LLMQ_STATE_PROCESSING;
}

}  // namespace llmq::runtime
