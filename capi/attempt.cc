#include <string_view>
#include <utility>

#include "capi/guard.h"
#include "capi/handles.h"
#include "runtime/ids.h"

using llmq::capi::code;
using llmq::capi::guarded;
using llmq::capi::usable;
using llmq::core::Status;
using llmq::runtime::Job;
using llmq::runtime::Outcome;

namespace {

// The text of an attempt that `pick` chooses.
template <typename Pick>
llmq_status_t attempt_text(llmq_manager_t* manager, llmq_attempt_id_t attempt, const char** data,
                           size_t* len, Pick&& pick) {
  if (const llmq_status_t status = usable(manager); status != LLMQ_OK) return status;
  if (data == nullptr || len == nullptr || !llmq::runtime::is_attempt_id(attempt)) {
    return LLMQ_ERR_INVALID_ARG;
  }
  return guarded([&]() -> llmq_status_t {
    return code(manager->manager->look_into(attempt, [&](const Job& job) {
      const std::string_view text = pick(job);
      *data = text.data() == nullptr ? "" : text.data();
      *len = text.size();
    }));
  });
}

}  // namespace

extern "C" {

llmq_status_t llmq_model_set_processor(llmq_manager_t* manager, const char* model, size_t model_len,
                                       llmq_event_fn fn, llmq_event_fn cancel_fn, void* user,
                                       llmq_user_free_fn user_free) {
  return guarded([&]() -> llmq_status_t {
    auto data = llmq::capi::own(user, user_free);
    if (const llmq_status_t status = usable(manager); status != LLMQ_OK) return status;
    if (model == nullptr || fn == nullptr) return LLMQ_ERR_INVALID_ARG;
    if (data == nullptr) return LLMQ_ERR_NOMEM;
    auto processor = std::make_shared<llmq::runtime::Processor>();
    processor->user = std::move(data);
    processor->fn = fn;
    processor->cancel_fn = cancel_fn;
    return code(
        manager->manager->set_processor(std::string_view(model, model_len), std::move(processor)));
  });
}

llmq_status_t llmq_attempt_chunk(llmq_manager_t* manager, llmq_attempt_id_t attempt,
                                 const void* data, size_t len) {
  if (const llmq_status_t status = usable(manager); status != LLMQ_OK) return status;
  if (!llmq::runtime::is_attempt_id(attempt) || (data == nullptr && len > 0)) {
    return LLMQ_ERR_INVALID_ARG;
  }
  return guarded([&] {
    const std::string_view text(len == 0 ? "" : static_cast<const char*>(data), len);
    return code(manager->manager->chunk(attempt, text));
  });
}

llmq_status_t llmq_attempt_succeed(llmq_manager_t* manager, llmq_attempt_id_t attempt,
                                   const void* data, size_t len, const llmq_usage_t* usage) {
  if (const llmq_status_t status = usable(manager); status != LLMQ_OK) return status;
  llmq::core::Usage used;
  if (!llmq::runtime::is_attempt_id(attempt) || (data == nullptr && len > 0) ||
      (usage != nullptr && !llmq::capi::read_usage(*usage, &used))) {
    return LLMQ_ERR_INVALID_ARG;
  }
  return guarded([&] {
    Outcome outcome;
    if (len > 0) outcome.data.assign(static_cast<const char*>(data), len);
    if (usage != nullptr) {
      outcome.usage_known = true;
      outcome.usage = used;
    }
    return code(manager->manager->report(attempt, std::move(outcome)));
  });
}

llmq_status_t llmq_attempt_fail(llmq_manager_t* manager, llmq_attempt_id_t attempt,
                                llmq_status_t status, const char* message, size_t len,
                                int64_t retry_after_ns) {
  if (const llmq_status_t state = usable(manager); state != LLMQ_OK) return state;
  if (!llmq::runtime::is_attempt_id(attempt) || (message == nullptr && len > 0) || status >= 0 ||
      retry_after_ns < 0) {
    return LLMQ_ERR_INVALID_ARG;
  }
  return guarded([&] {
    Outcome outcome;
    outcome.status = static_cast<Status>(status);
    outcome.retry_after = llmq::core::DurationNs{retry_after_ns};
    if (len > 0) outcome.message.assign(message, len);
    return code(manager->manager->report(attempt, std::move(outcome)));
  });
}

llmq_status_t llmq_attempt_model(llmq_manager_t* manager, llmq_attempt_id_t attempt,
                                 const char** data, size_t* len) {
  return attempt_text(manager, attempt, data, len,
                      [&](const Job& job) { return manager->manager->model_name(job); });
}

llmq_status_t llmq_attempt_tenant(llmq_manager_t* manager, llmq_attempt_id_t attempt,
                                  const char** data, size_t* len) {
  return attempt_text(manager, attempt, data, len, [](const Job& job) {
    return job.extra == nullptr ? std::string_view() : std::string_view(job.extra->tenant);
  });
}

llmq_status_t llmq_attempt_deployment(llmq_manager_t* manager, llmq_attempt_id_t attempt,
                                      const char** data, size_t* len) {
  return attempt_text(manager, attempt, data, len, [](const Job& job) {
    return job.extra == nullptr ? std::string_view() : std::string_view(job.extra->deployment);
  });
}

llmq_status_t llmq_attempt_request_key(llmq_manager_t* manager, llmq_attempt_id_t attempt,
                                       const char** data, size_t* len) {
  return attempt_text(manager, attempt, data, len, [](const Job& job) {
    return job.extra == nullptr ? std::string_view() : std::string_view(job.extra->request_key);
  });
}

llmq_status_t llmq_attempt_metadata(llmq_manager_t* manager, llmq_attempt_id_t attempt,
                                    const void** data, size_t* len) {
  if (data == nullptr) return LLMQ_ERR_INVALID_ARG;
  const char* text = nullptr;
  const llmq_status_t status = attempt_text(manager, attempt, &text, len, [](const Job& job) {
    return job.extra == nullptr ? std::string_view() : std::string_view(job.extra->metadata);
  });
  if (status == LLMQ_OK) *data = text;
  return status;
}

}  // extern "C"
