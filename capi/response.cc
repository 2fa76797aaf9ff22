#include <string>

#include "capi/guard.h"
#include "capi/handles.h"
#include "runtime/attempt_log.h"

using llmq::capi::valid;

namespace {

const char* text(const llmq::runtime::Text* value, size_t* len) {
  if (len != nullptr) *len = value == nullptr ? 0 : value->size();
  return value == nullptr ? "" : value->c_str();
}

}  // namespace

extern "C" {

llmq_status_t llmq_response_status(const llmq_response_t* response) {
  return valid(response) ? llmq::capi::code(response->response->summary.status)
                         : LLMQ_ERR_INVALID_ARG;
}

int32_t llmq_response_state(const llmq_response_t* response) {
  return valid(response) ? static_cast<int32_t>(response->response->summary.state) : 0;
}

const void* llmq_response_data(const llmq_response_t* response, size_t* len) {
  return text(valid(response) ? &response->response->data : nullptr, len);
}

const char* llmq_response_error(const llmq_response_t* response, size_t* len) {
  return text(valid(response) ? &response->response->message : nullptr, len);
}

llmq_status_t llmq_response_usage(const llmq_response_t* response, llmq_usage_t* usage) {
  if (!valid(response) || usage == nullptr ||
      !llmq::runtime::plausible<llmq_usage_t>(usage->struct_size)) {
    return LLMQ_ERR_INVALID_ARG;
  }
  const llmq::runtime::Summary& summary = response->response->summary;
  if (!summary.usage_known) return LLMQ_ERR_AGAIN;
  llmq::capi::give_usage(summary.usage, usage);
  return LLMQ_OK;
}

llmq_status_t llmq_response_timings(const llmq_response_t* response, int64_t* submitted_ns,
                                    int64_t* started_ns, int64_t* finished_ns) {
  if (!valid(response)) return LLMQ_ERR_INVALID_ARG;
  const llmq::runtime::Summary& summary = response->response->summary;
  if (submitted_ns != nullptr) *submitted_ns = summary.submitted.ns;
  if (started_ns != nullptr) *started_ns = summary.started.ns;
  if (finished_ns != nullptr) *finished_ns = summary.finished.ns;
  return LLMQ_OK;
}

int64_t llmq_response_first_output_ns(const llmq_response_t* response) {
  return valid(response) ? response->response->summary.first_output.ns : 0;
}

uint32_t llmq_response_flags(const llmq_response_t* response) {
  return valid(response) ? response->response->summary.flags : 0;
}

uint32_t llmq_response_attempts(const llmq_response_t* response) {
  return valid(response) ? response->response->summary.attempts : 0;
}

llmq_status_t llmq_response_attempts_json(const llmq_response_t* response, char** json,
                                          size_t* len) {
  if (!valid(response) || json == nullptr) return LLMQ_ERR_INVALID_ARG;
  return llmq::capi::guarded([&] {
    const llmq::runtime::AttemptLog* const log = response->response->attempts.get();
    return llmq::capi::give_text(log == nullptr ? "[]" : log->json(), json, len);
  });
}

llmq_request_id_t llmq_response_request_id(const llmq_response_t* response) {
  return valid(response) ? response->response->summary.id : 0;
}

int32_t llmq_response_http_status(const llmq_response_t* response) {
  return valid(response) ? response->response->summary.http_status : 0;
}

const char* llmq_response_provider_request_id(const llmq_response_t* response, size_t* len) {
  return text(valid(response) ? &response->response->provider_request_id : nullptr, len);
}

const char* llmq_response_fallback_model(const llmq_response_t* response, size_t* len) {
  return text(valid(response) ? &response->response->model : nullptr, len);
}

const char* llmq_response_deployment(const llmq_response_t* response, size_t* len) {
  return text(valid(response) ? &response->response->deployment : nullptr, len);
}

const void* llmq_response_metadata(const llmq_response_t* response, size_t* len) {
  return text(valid(response) ? &response->response->metadata : nullptr, len);
}

const char* llmq_response_request_key(const llmq_response_t* response, size_t* len) {
  return text(valid(response) ? &response->response->request_key : nullptr, len);
}

void llmq_response_free(llmq_response_t* response) {
  if (!valid(response)) return;
  response->magic = 0;
  delete response;
}

}  // extern "C"
