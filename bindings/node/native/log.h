/* Log lines on their way from the library's threads to JavaScript. */
#ifndef LLMQ_NODE_LOG_H_
#define LLMQ_NODE_LOG_H_

#include <node_api.h>

struct instance;
struct log;

/* Has two references: the caller's, and the library's, which log_unref as user_free drops. */
struct log* log_create(struct instance* instance, napi_value on_lines);
/* llmq_log_fn: keeps the line and wakes the loop of JavaScript. Never blocks, never calls it. */
void log_line(void* user, int32_t level, const char* text, size_t len);
void log_unref(void* user);
/* Hands over what is left if JavaScript still runs, ends the deliveries, drops the caller's
 * reference. */
void log_close(struct log* log);

#endif /* LLMQ_NODE_LOG_H_ */
