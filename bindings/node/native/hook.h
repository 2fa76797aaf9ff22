/* What hooks are told, on its way from the library's threads to JavaScript. */
#ifndef LLMQ_NODE_HOOK_H_
#define LLMQ_NODE_HOOK_H_

#include <node_api.h>

struct manager;

/* The hooks of a manager that is no more: hands over what is left if JavaScript still runs. */
void hooks_close(struct manager* manager);

int hook_exports(napi_env env, napi_value exports);

#endif /* LLMQ_NODE_HOOK_H_ */
