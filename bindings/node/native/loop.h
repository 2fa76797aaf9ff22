/* The few functions of libuv that the addon calls: those of the Node process, whose loop it joins.
 * Declared here since not every Node comes with uv.h; the names are part of libuv's stable ABI. */
#ifndef LLMQ_NODE_LOOP_H_
#define LLMQ_NODE_LOOP_H_

#include <stddef.h>

typedef struct uv_loop_s uv_loop_t;
typedef struct uv_handle_s uv_handle_t; /* a poll or an async handle; never looked into */

enum { UV_ASYNC = 1, UV_POLL = 8 }; /* uv_handle_type */
enum { UV_READABLE = 1 };           /* uv_poll_event */

typedef void (*uv_poll_cb)(uv_handle_t* handle, int status, int events);
typedef void (*uv_async_cb)(uv_handle_t* handle);
typedef void (*uv_close_cb)(uv_handle_t* handle);

int uv_poll_init(uv_loop_t* loop, uv_handle_t* handle, int fd);
int uv_poll_start(uv_handle_t* handle, int events, uv_poll_cb callback);
int uv_poll_stop(uv_handle_t* handle);
int uv_async_init(uv_loop_t* loop, uv_handle_t* handle, uv_async_cb callback);
int uv_async_send(uv_handle_t* handle);
void uv_close(uv_handle_t* handle, uv_close_cb callback);
void uv_ref(uv_handle_t* handle);
void uv_unref(uv_handle_t* handle);
size_t uv_handle_size(int type);
void* uv_handle_get_data(const uv_handle_t* handle);
void uv_handle_set_data(uv_handle_t* handle, void* data);
const char* uv_strerror(int error);

#endif /* LLMQ_NODE_LOOP_H_ */
