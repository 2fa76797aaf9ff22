#include <cstdlib>
#include <cstring>
#include <utility>

#include "capi/guard.h"
#include "capi/handles.h"

namespace llmq::capi {

llmq_status_t fail(const core::Error& error, llmq_error_t** err) {
  if (err != nullptr) *err = new (std::nothrow) llmq_error{error};
  return code(error.code);
}

llmq_status_t fail_arg(const char* what, llmq_error_t** err) {
  return fail(core::Error{core::Status::kInvalidArg, what, ""}, err);
}

char* copy_text(const std::string& text) {
  auto* copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (copy != nullptr) std::memcpy(copy, text.c_str(), text.size() + 1);
  return copy;
}

llmq_status_t give_text(const std::string& text, char** out, size_t* len) {
  *out = copy_text(text);
  if (*out == nullptr) return LLMQ_ERR_NOMEM;
  if (len != nullptr) *len = text.size();
  return LLMQ_OK;
}

llmq_status_t give_response(std::unique_ptr<runtime::Response> response, llmq_response_t** out) {
  auto handle = std::make_unique<llmq_response>();
  handle->response = std::move(*response);
  *out = handle.release();
  return LLMQ_OK;
}

core::TimeNs deadline_of(int64_t deadline_ns) {
  return deadline_ns > 0 ? core::TimeNs{deadline_ns} : core::kNever;
}

}  // namespace llmq::capi

extern "C" {

llmq_status_t llmq_error_code(const llmq_error_t* error) {
  return error == nullptr ? LLMQ_OK : llmq::capi::code(error->error.code);
}

const char* llmq_error_message(const llmq_error_t* error) {
  return error == nullptr ? "" : error->error.message.c_str();
}

const char* llmq_error_key(const llmq_error_t* error) {
  return error == nullptr ? "" : error->error.key.c_str();
}

void llmq_error_free(llmq_error_t* error) { delete error; }

void llmq_buf_free(char* buf) { std::free(buf); }

}  // extern "C"
