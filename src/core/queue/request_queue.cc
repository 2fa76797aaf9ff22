#include "core/queue/request_queue.h"

#include <algorithm>
#include <cassert>

#include "core/room.h"

namespace llmq::core {

void RequestQueue::push_new(Request& request) {
  new_.push_back(request.link);
  ++size_;
}

void RequestQueue::make_room_again() {
  if (returned_.capacity() == 0) returned_.reserve(kNearFront);  // then it seldom grows
  make_room(returned_, 1);
}

void RequestQueue::push_returned(Request& request) {
  make_room_again();
  returned_.push_back(nullptr);
  put(returned_.size() - 1, &request);
  sift_up(returned_.size() - 1);
  ++size_;
}

Request* RequestQueue::front() {
  Link* link = new_.front();
  Request* fresh = link == nullptr ? nullptr : Request::of_link(link);
  if (returned_.empty()) return fresh;
  Request* back = returned_.front();
  return fresh == nullptr || back->seq < fresh->seq ? back : fresh;
}

void RequestQueue::remove(Request& request) {
  assert(size_ > 0);
  --size_;
  if (request.heap_index == kNotInHeap) {
    request.link.unlink();
    return;
  }
  const size_t index = request.heap_index;
  request.heap_index = kNotInHeap;
  Request* moved = returned_.back();
  returned_.pop_back();
  if (moved == &request) return;
  put(index, moved);
  sift_up(index);
  sift_down(moved->heap_index);
}

Request* RequestQueue::behind(const Request& request) {
  Request* next = nullptr;
  const size_t looked_at = std::min(returned_.size(), kNearFront);
  for (size_t i = 0; i < looked_at; ++i) {
    if (returned_[i]->seq <= request.seq) continue;
    if (next == nullptr || returned_[i]->seq < next->seq) next = returned_[i];
  }
  Link* link = nullptr;
  if (request.heap_index == kNotInHeap) {
    link = new_.after(request.link);
  } else {  // what came back is older than most that are new
    link = new_.front();
    while (link != nullptr && Request::of_link(link)->seq < request.seq) link = new_.after(*link);
  }
  if (link == nullptr) return next;
  Request* fresh = Request::of_link(link);
  return next == nullptr || fresh->seq < next->seq ? fresh : next;
}

Waiting RequestQueue::before(const Request& request, const Waiting& all) {
  Waiting ahead;
  for (const Request* other : returned_) {
    if (other->seq < request.seq) ahead.add(*other);
  }
  if (request.heap_index != kNotInHeap) {
    int64_t steps = 0;
    for (Link* link = new_.front(); link != nullptr && steps < kWalk; link = new_.after(*link)) {
      const Request& other = *Request::of_link(link);
      if (other.seq > request.seq) break;
      ahead.add(other);
      ++steps;
    }
    return ahead;
  }
  Waiting front_side;
  Waiting back_side;
  Link* forward = new_.before(request.link);
  Link* backward = new_.after(request.link);
  for (int64_t steps = 0; forward != nullptr && backward != nullptr && steps < kWalk; ++steps) {
    front_side.add(*Request::of_link(forward));
    forward = new_.before(*forward);
    back_side.add(*Request::of_link(backward));
    backward = new_.after(*backward);
  }
  if (forward == nullptr) return ahead += front_side;
  Waiting others = all;
  others.remove(request);
  for (const Request* other : returned_) others.remove(*other);
  if (backward == nullptr) return ahead += others - back_side;
  const Waiting unseen = others - front_side - back_side;
  const auto seq_of = [](Link* link) { return static_cast<int64_t>(Request::of_link(link)->seq); };
  const int64_t span_before = seq_of(forward) - seq_of(new_.front()) + 1;
  const int64_t span_behind = seq_of(new_.back()) - seq_of(backward) + 1;
  __extension__ using Wide = __int128;
  ahead += front_side;
  return ahead += unseen.part(static_cast<int64_t>(static_cast<Wide>(unseen.count) * span_before /
                                                   (span_before + span_behind)));
}

void RequestQueue::sift_up(size_t index) {
  Request* request = returned_[index];
  while (index > 0) {
    const size_t parent = (index - 1) / 2;
    if (returned_[parent]->seq < request->seq) break;
    put(index, returned_[parent]);
    index = parent;
  }
  put(index, request);
}

void RequestQueue::sift_down(size_t index) {
  Request* request = returned_[index];
  for (;;) {
    size_t child = 2 * index + 1;
    if (child >= returned_.size()) break;
    if (child + 1 < returned_.size() && returned_[child + 1]->seq < returned_[child]->seq) ++child;
    if (request->seq < returned_[child]->seq) break;
    put(index, returned_[child]);
    index = child;
  }
  put(index, request);
}

void RequestQueue::put(size_t index, Request* request) {
  returned_[index] = request;
  request->heap_index = static_cast<uint32_t>(index);
}

}  // namespace llmq::core
