/* Events and responses as records for JavaScript. */
#ifndef LLMQ_NODE_ENCODE_H_
#define LLMQ_NODE_ENCODE_H_

#include "addon.h"

/* Records that are being written, and their short texts behind them, in the manager's page. */
struct page {
  struct manager* manager;
  struct event_record* records;
  size_t used;      /* bytes of the manager's page */
  napi_value longs; /* array of buffers; NULL = none yet */
  uint32_t long_count;
};

/* Begins with the records of `count` events. */
struct page page_begin(struct manager* manager, size_t count);
/* Whether there is room for the texts of one event more. */
bool page_has_room(const struct page* page);
/* A Buffer with a copy of what was written. */
napi_value page_buffer(const struct page* page);
/* The long texts as an array, or undefined. */
napi_value page_longs(const struct page* page);

/* What an event tells beside its members, struct_size 0 if nothing; and asks the processor for its
 * texts, which another core has just written. */
void look_at_event(const llmq_event_t* event, llmq_outcome_t* outcome);
/* An event that was looked at, best a few events ago. It stays the caller's to release. */
void encode_event(struct page* page, llmq_event_t* event, const llmq_outcome_t* outcome,
                  struct event_record* record);
/* Everything that a response tells, as a record of type DONE. */
void encode_response(struct page* page, llmq_response_t* response, struct event_record* record);

#endif /* LLMQ_NODE_ENCODE_H_ */
