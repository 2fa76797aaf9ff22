/* Events and responses as records for JavaScript. */
#ifndef LLMQ_NODE_ENCODE_H_
#define LLMQ_NODE_ENCODE_H_

#include "addon.h"

/* The texts of the records that are being written. */
struct texts {
  struct manager* manager;
  size_t
      used; /* of its buffer of texts; an event takes at most TEXTS_PER_EVENT * TEXT_SHARED_MAX */
  napi_value longs; /* array of buffers; NULL = none yet */
  uint32_t long_count;
};

/* A DONE event's response is taken and freed; other events stay the caller's to release. */
void encode_event(struct texts* texts, llmq_event_t* event, struct event_record* record);
/* Everything that a response tells, as a record of type DONE. */
void encode_response(struct texts* texts, llmq_response_t* response, struct event_record* record);
/* The long texts as an array, or undefined. */
napi_value texts_longs(const struct texts* texts);

#endif /* LLMQ_NODE_ENCODE_H_ */
