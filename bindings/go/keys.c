/* keys.c - the function of the program that knows the keys of providers, as the library calls it.
 */
#include "native.h"

#include "_cgo_export.h"

static int64_t key_of(void* user, const char* model, size_t model_len, const char* deployment,
                      size_t deployment_len, char* out, size_t cap) {
  return lqKeyOf((uintptr_t)user, (char*)(uintptr_t)model, model_len, (char*)(uintptr_t)deployment,
                 deployment_len, out, cap);
}

static void drop(void* user) { lqDropKeys((uintptr_t)user); }

llmq_status_t lq_ask_for_keys(llmq_conf_t* conf, uintptr_t keys) {
  return llmq_conf_set_deployment_key_fn(conf, key_of, (void*)keys, drop);
}
