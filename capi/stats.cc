#include <string_view>

#include "capi/guard.h"
#include "capi/handles.h"

using llmq::capi::code;
using llmq::capi::guarded;
using llmq::capi::usable;

extern "C" {

llmq_status_t llmq_stats(llmq_manager_t* manager, const char* model, size_t model_len,
                         llmq_stats_t* stats) {
  if (const llmq_status_t status = usable(manager); status != LLMQ_OK) return status;
  if (stats == nullptr || !llmq::runtime::plausible<llmq_stats_t>(stats->struct_size)) {
    return LLMQ_ERR_INVALID_ARG;
  }
  return guarded([&] {
    const std::string_view name(model == nullptr ? "" : model, model == nullptr ? 0 : model_len);
    llmq_stats_t filled{};
    filled.struct_size = stats->struct_size;
    const auto status = manager->manager->stats(model == nullptr ? nullptr : &name, &filled);
    if (status == llmq::core::Status::kOk) {
      llmq::runtime::hand_over(filled, stats, stats->struct_size);
    }
    return code(status);
  });
}

llmq_status_t llmq_stats_json(llmq_manager_t* manager, char** json, size_t* len) {
  if (const llmq_status_t status = usable(manager); status != LLMQ_OK) return status;
  if (json == nullptr) return LLMQ_ERR_INVALID_ARG;
  return guarded([&] { return llmq::capi::give_text(manager->manager->stats_json(), json, len); });
}

}  // extern "C"
