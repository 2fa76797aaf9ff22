/* Small helpers over Node-API. */
#ifndef LLMQ_NODE_JS_H_
#define LLMQ_NODE_JS_H_

#include <llmq/llmq.h>
#include <node_api.h>
#include <stddef.h>
#include <stdint.h>

/* A text that JavaScript passed: NUL-terminated, to be freed with free(). */
struct text {
  char* data;
  size_t len;
};

/* Reads exactly `count` arguments; missing ones are undefined. */
int js_args(napi_env env, napi_callback_info info, size_t count, napi_value* args);

/* These throw a TypeError that names `what`, and return -1, if the value has another type. */
int js_text(napi_env env, napi_value value, const char* what, struct text* text);
int js_int(napi_env env, napi_value value, const char* what, int32_t* number);
int js_double(napi_env env, napi_value value, const char* what, double* number);
/* An id is passed as two halves, low first: numbers are cheaper than BigInts. */
int js_id(napi_env env, napi_value low, napi_value high, uint64_t* id);

/* An array of input, output, cached input, cost in millionths, reasoning. */
int js_usage(napi_env env, napi_value value, llmq_usage_t* usage);

napi_value js_string(napi_env env, const char* data, size_t len);
napi_value js_number(napi_env env, double number);
/* The text as a string, freed with llmq_buf_free. */
napi_value js_take(napi_env env, char* json, size_t len);

/* Throws an LlmqError and returns NULL. js_fail_with takes `err`, which may be NULL. */
napi_value js_fail(napi_env env, llmq_status_t status, const char* message, const char* key);
napi_value js_fail_with(napi_env env, llmq_status_t status, llmq_error_t* err);
/* Makes an LlmqError without throwing it. */
napi_value js_error(napi_env env, llmq_status_t status, const char* message, const char* key);
/* Remembers the class of errors. */
napi_value js_set_error_class(napi_env env, napi_callback_info info);

#endif /* LLMQ_NODE_JS_H_ */
