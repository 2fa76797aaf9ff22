#include "core/queue/request_queue.h"

#include <cassert>

namespace llmq::core {

void RequestQueue::push_new(Request& request) {
  new_.push_back(request.link);
  ++size_;
}

void RequestQueue::push_returned(Request& request) {
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
