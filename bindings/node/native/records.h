/* The records that JavaScript and the addon exchange in shared buffers. src/records.ts has the same
 * numbers; both change together with RECORDS_VERSION. */
#ifndef LLMQ_NODE_RECORDS_H_
#define LLMQ_NODE_RECORDS_H_

#include <stddef.h>
#include <stdint.h>

enum { RECORDS_VERSION = 3 };
enum { REQUEST_SUBMIT = 0, REQUEST_ACQUIRE = 1 };
enum { BATCH = 256 }; /* requests per submit, events per turn */

/* A place in the buffer that the record is in. */
struct span {
  int32_t offset;
  int32_t length;
};

/* A request on its way in. The buffer begins with BATCH of them; texts follow. */
struct request_record {
  uint32_t flags;
  int32_t operation;
  int32_t priority;
  uint32_t max_attempts;
  uint32_t slot; /* user_data */
  int32_t kind;  /* REQUEST_SUBMIT, REQUEST_ACQUIRE */
  struct span model;
  struct span tenant;
  struct span payload;
  struct span request_key;
  struct span dedup_key;
  struct span metadata;
  uint32_t id[2]; /* out: low, high */
  int32_t status; /* out */
  uint32_t reserved;
  double deadline_ms;  /* from now; negative = none */
  double timeout_ms;   /* 0 = the model's, negative = none */
  double input_tokens; /* 0 = llmq estimates, negative = none */
  double output_tokens;
};

/* An event on its way out. A buffer begins with as many as it is of; texts follow, or are, if long,
 * in a buffer of their own: offset -1 - i is number i of these. */
struct event_record {
  double queued_ns;
  double run_ns;
  double retry_after_ns;
  double input_tokens;
  double output_tokens;
  double cached_input_tokens;
  double cost_micros;
  double reasoning_tokens;
  double first_output_ns;
  int32_t type;
  int32_t status;
  uint32_t flags;
  int32_t state;
  uint32_t attempt;
  uint32_t slot;
  uint32_t request_id[2];
  uint32_t attempt_id[2];
  int32_t held; /* CHUNK: to be given back to releaseChunks */
  int32_t usage_known;
  int32_t http_status;
  struct span data;
  struct span error;
  struct span provider_request_id;
  struct span fallback_model; /* READY, PERMIT: the model */
  struct span deployment;     /* READY: the tenant */
  struct span metadata;
  struct span request_key;
  struct span attempts; /* JSON */
  uint32_t reserved;
};

/* What a hook was told, on its way out. Its texts (model, deployment, tenant, limit) follow it, one
 * after the other, then the next record. src/hooks.ts has the same numbers. */
struct hook_record {
  uint32_t size; /* from this record to the next */
  uint32_t type;
  uint32_t request_id[2];
  uint32_t attempt_id[2];
  uint32_t call_id[2];
  uint32_t attempt;
  int32_t status;
  int32_t state;
  uint32_t usage_known;
  uint32_t model_length;
  uint32_t deployment_length;
  uint32_t tenant_length;
  uint32_t limit_length;
  double lost; /* how many before it found no room */
  double time_ms;
  double queued_ns;
  double run_ns;
  double delay_ns;
  double input_tokens;
  double output_tokens;
  double cached_input_tokens;
  double cost_micros;
  double reasoning_tokens;
  double old_value;
  double new_value;
  double until_ms; /* 0 = none */
};

enum { TEXT_SHARED_MAX = 4096 }; /* a longer text has a buffer of its own */
enum { TEXTS_PER_EVENT = 8 };
/* Records and short texts of one turn. */
enum { PAGE_SIZE = BATCH * sizeof(struct event_record) + 131072 };

_Static_assert(sizeof(struct request_record) == 120, "REQUEST_BYTES of src/records.ts");
_Static_assert(sizeof(struct event_record) == 192, "EVENT_BYTES of src/records.ts");
_Static_assert(sizeof(struct hook_record) == 168, "HOOK_BYTES of src/hooks.ts");

#endif /* LLMQ_NODE_RECORDS_H_ */
