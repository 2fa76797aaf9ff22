#include "runtime/plan.h"

#include <utility>

#include "capi/guard.h"
#include "capi/handles.h"
#include "runtime/clock.h"

using llmq::capi::fail;
using llmq::capi::fail_arg;
using llmq::capi::guarded;
using llmq::capi::valid;

extern "C" {

llmq_status_t llmq_plan_create(const llmq_conf_t* conf, llmq_plan_t** plan, llmq_error_t** err) {
  if (plan == nullptr || !valid(conf)) {
    return fail_arg("conf is NULL or not a configuration, or plan is NULL", err);
  }
  return guarded([&]() -> llmq_status_t {
    auto made = llmq::runtime::Plan::create(conf->config);
    if (!made) return fail(made.error(), err);
    auto handle = std::make_unique<llmq_plan>();
    handle->plan = std::move(made.value());
    *plan = handle.release();
    return LLMQ_OK;
  });
}

llmq_status_t llmq_plan_add_models(llmq_plan_t* plan, const llmq_conf_t* conf, llmq_error_t** err) {
  if (!valid(plan)) return fail_arg("plan is NULL or not a plan", err);
  if (!valid(conf)) return fail_arg("conf is NULL or not a configuration", err);
  return guarded([&]() -> llmq_status_t {
    const auto added = plan->plan->add_models(conf->config);
    return added ? LLMQ_OK : fail(added.error(), err);
  });
}

llmq_status_t llmq_plan_add(llmq_plan_t* plan, const llmq_request_t* request, llmq_error_t** err) {
  if (!valid(plan)) return fail_arg("plan is NULL or not a plan", err);
  if (request == nullptr) return fail_arg("request is NULL", err);
  return guarded([&]() -> llmq_status_t {
    const llmq::core::Error why = plan->plan->add(*llmq::runtime::Whole(*request));
    return why.code == llmq::core::Status::kOk ? LLMQ_OK : fail(why, err);
  });
}

llmq_status_t llmq_plan_run(llmq_plan_t* plan, char** json, size_t* len) {
  if (!valid(plan) || json == nullptr) return LLMQ_ERR_INVALID_ARG;
  return guarded([&]() -> llmq_status_t {
    const auto report = plan->plan->run(llmq::runtime::wall_unix_ms());
    if (!report) return llmq::capi::code(report.error().code);
    return llmq::capi::give_text(report.value(), json, len);
  });
}

void llmq_plan_free(llmq_plan_t* plan) {
  if (!valid(plan)) return;
  plan->magic = 0;
  delete plan;
}

}  // extern "C"
