// The line of one tenant in one class: first come, first served; a request that comes back for a
// retry stands where it stood before.
#ifndef LLMQ_CORE_QUEUE_REQUEST_QUEUE_H_
#define LLMQ_CORE_QUEUE_REQUEST_QUEUE_H_

#include <cstddef>
#include <vector>

#include "core/queue/link.h"
#include "core/queue/waiting.h"
#include "core/request.h"

namespace llmq::core {

class RequestQueue {
 public:
  // The next one that returns can be pushed without memory.
  void make_room_again();
  // The request must be in no list. Its seq says where it stands; new requests have the greatest.
  void push_new(Request& request);
  void push_returned(Request& request);

  // The first in line; nullptr if nobody waits.
  Request* front();
  // The newest that came for the first time, or the front if none did.
  Request* newest() { return new_.empty() ? front() : Request::of_link(new_.back()); }
  void remove(Request& request);
  // Who stands behind `request`; nullptr if nobody does. Of many that came back it knows only the
  // first kNearFront in the heap's own order.
  Request* behind(const Request& request);

  // What stands before `request`; `all` is what stands here at all. Walks to the nearer end, at
  // most kWalk steps; farther inside, the rest is divided in proportion to seq.
  Waiting before(const Request& request, const Waiting& all);

  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }

  static constexpr size_t kNearFront = 64;
  static constexpr int64_t kWalk = 4096;

 private:
  void sift_up(size_t index);
  void sift_down(size_t index);
  void put(size_t index, Request* request);

  LinkList new_;                    // in order of seq, since they come so
  std::vector<Request*> returned_;  // binary heap by seq
  size_t size_ = 0;
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_QUEUE_REQUEST_QUEUE_H_
