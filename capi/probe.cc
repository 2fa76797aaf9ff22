#include "runtime/probe.h"

#include "capi/guard.h"
#include "capi/handles.h"

using llmq::capi::fail;
using llmq::capi::fail_arg;
using llmq::capi::guarded;
using llmq::capi::valid;

extern "C" {

llmq_status_t llmq_probe_json(const llmq_conf_t* conf, const char* model, size_t model_len,
                              uint32_t flags, char** json, size_t* len, llmq_error_t** err) {
  constexpr uint32_t kKnown = LLMQ_PROBE_CONNECT_ONLY | LLMQ_PROBE_EMBEDDINGS;
  if (!valid(conf)) return fail_arg("conf is NULL or not a configuration", err);
  if (model == nullptr) return fail_arg("model is NULL", err);
  if ((flags & ~kKnown) != 0) return fail_arg("flags holds an unknown flag", err);
  if (json == nullptr) return fail_arg("json is NULL", err);
  return guarded([&]() -> llmq_status_t {
    const auto found =
        llmq::runtime::probe(conf->config, conf->callbacks, {model, model_len}, flags);
    if (!found) return fail(found.error(), err);
    return llmq::capi::give_text(found.value(), json, len);
  });
}

}  // extern "C"
