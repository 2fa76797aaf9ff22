#include <cstdlib>
#include <cstring>
#include <utility>

#include "capi/guard.h"
#include "capi/handles.h"

using llmq::capi::valid;

namespace llmq::capi {

namespace {

// Without memory for the words, the code alone must do.
template <typename Make>
void give_error(llmq_error_t** err, Make&& make) noexcept {
  if (err == nullptr) return;
  *err = guarded_or<llmq_error_t*>(nullptr, [&] {
    auto error = std::make_unique<llmq_error>();
    error->error = make();
    return error.release();
  });
}

}  // namespace

llmq_status_t fail(const core::Error& error, llmq_error_t** err) noexcept {
  give_error(err, [&] { return error; });
  return code(error.code);
}

llmq_status_t fail_arg(const char* what, llmq_error_t** err) noexcept {
  give_error(err, [&] { return core::Error{core::Status::kInvalidArg, what, ""}; });
  return LLMQ_ERR_INVALID_ARG;
}

llmq_status_t fail_status(llmq_status_t status, llmq_error_t** err) noexcept {
  const auto own_status = static_cast<core::Status>(status);
  give_error(err, [&] { return core::Error{own_status, core::status_message(own_status), ""}; });
  return status;
}

std::shared_ptr<runtime::UserData> own(void* user, llmq_user_free_fn user_free) noexcept {
  std::unique_ptr<runtime::UserData> data(new (std::nothrow) runtime::UserData(user, user_free));
  if (data == nullptr) {
    if (user_free != nullptr) user_free(user);
    return nullptr;
  }
  return guarded_or<std::shared_ptr<runtime::UserData>>(
      nullptr, [&] { return std::shared_ptr<runtime::UserData>(std::move(data)); });
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

core::TimeNs deadline_of(int64_t deadline_ns) {
  return deadline_ns > 0 ? core::TimeNs{deadline_ns} : core::kNever;
}

}  // namespace llmq::capi

extern "C" {

llmq_status_t llmq_error_code(const llmq_error_t* error) {
  return valid(error) ? llmq::capi::code(error->error.code) : LLMQ_OK;
}

const char* llmq_error_message(const llmq_error_t* error) {
  return valid(error) ? error->error.message.c_str() : "";
}

const char* llmq_error_key(const llmq_error_t* error) {
  return valid(error) ? error->error.key.c_str() : "";
}

void llmq_error_free(llmq_error_t* error) {
  if (!valid(error)) return;
  error->magic = 0;
  delete error;
}

void llmq_buf_free(char* buf) { std::free(buf); }

}  // extern "C"
