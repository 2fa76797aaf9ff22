/* native.h - what the Go files see of C: the library's own header, how it is loaded, and events in
 * batches.
 *
 * The library is not linked but loaded (load.c). Its functions have the names of llmq.h here all
 * the same: load.c defines each as a call through a table. They are hidden, so that the library
 * never finds them in place of its own. */
#ifndef LLMQ_GO_NATIVE_H_
#define LLMQ_GO_NATIVE_H_

#include <stddef.h>
#include <stdint.h>

#define LLMQ_STATIC 1
#pragma GCC visibility push(hidden)

#include <llmq/llmq.h>

/* Loads the library at `path`, or NULL with a text in `error`. It is never unloaded. */
void* lq_open(const char* path, char* error, size_t error_cap);
/* The same for a library in memory. */
void* lq_open_bytes(const void* bytes, size_t len, char* error, size_t error_cap);
/* What the library says of itself before anything of it is used; version NULL: it is no llmq. */
void lq_identify(void* library, const char** version, uint32_t* abi);
/* Fills the table. Returns NULL, or the name of a function that the library does not have. */
const char* lq_bind(void* library);
/* Of the header that this was compiled with: size of a struct by its LLMQ_SIZEOF_ number; 0 past
 * the last. */
size_t lq_sizeof(int32_t what);
/* The file that a loaded library came from; "" if the system does not tell. */
const char* lq_library_path(void* library);

/* What a DONE event does not hold itself, or of a READY event the request. Texts live until
 * lq_release. */
typedef struct lq_detail {
  llmq_response_t* response; /* NULL unless an attempt has failed */
  const char* model;         /* READY alone, as tenant */
  const char* tenant;
  const char* data;
  const char* error;
  const char* request_key;
  const char* metadata;
  const char* deployment;
  const char* fallback_model;
  const char* provider_request_id;
  char* history; /* JSON; NULL if no attempt has failed */
  size_t model_len;
  size_t tenant_len;
  size_t data_len;
  size_t error_len;
  size_t request_key_len;
  size_t metadata_len;
  size_t deployment_len;
  size_t fallback_model_len;
  size_t provider_request_id_len;
  size_t history_len;
  int32_t http_status;
  int32_t usage_known;
  int32_t plain; /* 1 = of the texts but data there is none */
} lq_detail_t;

/* Up to `max` events, each with its detail. The manager is whose attempts come to the queue, or
 * NULL. */
size_t lq_drain(llmq_manager_t* manager, llmq_cq_t* cq, llmq_event_t* events, lq_detail_t* details,
                size_t max);
/* The detail of a response; it does not take it. */
void lq_describe(llmq_response_t* response, lq_detail_t* detail);
/* Frees what lq_drain gave. Events whose handle is NULL keep what it owned for whoever has it now.
 */
void lq_release(llmq_event_t* events, lq_detail_t* details, size_t n);

/* Sends log lines to a socket whose reading end is *fd: one datagram each, an int32_t level before
 * the text. The last one is empty: no more will come. Lines that find the socket full are counted
 * and lost. */
llmq_status_t lq_log_to_socket(llmq_conf_t* conf, int32_t level, int* fd);
/* How many log lines were lost since the last call, of all managers. */
uint64_t lq_log_lost(void);

/* Asks Go for the keys of providers (lqKeyOf). Takes the handle, also if this fails. */
llmq_status_t lq_ask_for_keys(llmq_conf_t* conf, uintptr_t keys);

#pragma GCC visibility pop

#endif /* LLMQ_GO_NATIVE_H_ */
