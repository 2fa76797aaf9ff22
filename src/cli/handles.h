// Handles of the C API that end themselves.
#ifndef LLMQ_CLI_HANDLES_H_
#define LLMQ_CLI_HANDLES_H_

#include <llmq/llmq.h>

#include <memory>
#include <string>

#include "cli/failure.h"

namespace llmq::cli {

struct Free {
  void operator()(llmq_conf_t* conf) const { llmq_conf_free(conf); }
  void operator()(llmq_manager_t* manager) const { llmq_manager_destroy(manager); }
  void operator()(llmq_cq_t* cq) const { llmq_cq_unref(cq); }
  void operator()(llmq_plan_t* plan) const { llmq_plan_free(plan); }
  void operator()(llmq_response_t* response) const { llmq_response_free(response); }
  void operator()(llmq_error_t* error) const { llmq_error_free(error); }
  void operator()(char* text) const { llmq_buf_free(text); }
};
using Conf = std::unique_ptr<llmq_conf_t, Free>;
using ManagerHandle = std::unique_ptr<llmq_manager_t, Free>;
using Queue = std::unique_ptr<llmq_cq_t, Free>;
using ResponseHandle = std::unique_ptr<llmq_response_t, Free>;
using PlanHandle = std::unique_ptr<llmq_plan_t, Free>;
using ErrorHandle = std::unique_ptr<llmq_error_t, Free>;
using Text = std::unique_ptr<char, Free>;

// What is wrong, and the code under which docs/troubleshooting.md tells more.
inline std::string with_code(const std::string& message, llmq_status_t status) {
  return message + " [" + llmq_status_name(status) + "]";
}

// The same in the words of an error object, or of the status where there is none.
inline std::string error_text(const llmq_error_t* error, llmq_status_t status) {
  return with_code(error == nullptr ? llmq_status_message(status) : llmq_error_message(error),
                   status);
}

// Throws a Failure, in the words of `error` if there is one.
inline void expect_ok(llmq_status_t status, const std::string& what = "",
                      const llmq_error_t* error = nullptr) {
  if (status == LLMQ_OK) return;
  throw Failure((what.empty() ? "" : what + ": ") + error_text(error, status));
}

// The same for a call that gives an error object: `call` is handed the place for it.
template <typename Call>
void expect_ok_from(Call call, const std::string& what = "") {
  llmq_error_t* error = nullptr;
  const llmq_status_t status = call(&error);
  const ErrorHandle own(error);
  expect_ok(status, what, error);
}

}  // namespace llmq::cli

#endif  // LLMQ_CLI_HANDLES_H_
