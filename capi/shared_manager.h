// The process's one shared manager.
#ifndef LLMQ_CAPI_SHARED_MANAGER_H_
#define LLMQ_CAPI_SHARED_MANAGER_H_

#include <llmq/llmq.h>

namespace llmq::capi {

// A reference to the shared manager, made from `conf` if there is none that can be used; nullptr
// takes whatever is there.
llmq_status_t shared_manager(const llmq_conf_t* conf, llmq_manager_t** manager, llmq_error_t** err);

// One reference of that manager is to be dropped: true if it was the last, and the manager is the
// caller's.
bool drop_reference(llmq_manager_t* manager);

}  // namespace llmq::capi

#endif  // LLMQ_CAPI_SHARED_MANAGER_H_
