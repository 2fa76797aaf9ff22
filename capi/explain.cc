#include "provider/explain.h"

#include "capi/guard.h"
#include "capi/handles.h"

using llmq::capi::fail;
using llmq::capi::fail_arg;
using llmq::capi::guarded;

extern "C" {

llmq_status_t llmq_explain_json(const char* provider, size_t provider_len, const char* record,
                                size_t record_len, char** json, size_t* len, llmq_error_t** err) {
  if (provider == nullptr && provider_len > 0) return fail_arg("provider is NULL", err);
  if (record == nullptr) return fail_arg("record is NULL", err);
  if (json == nullptr) return fail_arg("json is NULL", err);
  return guarded([&]() -> llmq_status_t {
    const auto explained = llmq::provider::explain({provider, provider_len}, {record, record_len});
    if (!explained) return fail(explained.error(), err);
    return llmq::capi::give_text(explained.value(), json, len);
  });
}

}  // extern "C"
