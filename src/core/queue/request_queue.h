// The line of one model: first come, first served; a request that comes back for a retry stands
// where it stood before. Classes, tenants and backfill belong here (issue of the scheduler): the
// engine only asks for the front.
#ifndef LLMQ_CORE_QUEUE_REQUEST_QUEUE_H_
#define LLMQ_CORE_QUEUE_REQUEST_QUEUE_H_

#include <cstddef>
#include <vector>

#include "core/queue/link.h"
#include "core/request.h"

namespace llmq::core {

class RequestQueue {
 public:
  // The request must be in no list. Its seq says where it stands; new requests have the greatest.
  void push_new(Request& request);
  void push_returned(Request& request);

  // The first in line; nullptr if nobody waits.
  Request* front();
  void remove(Request& request);

  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }

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
