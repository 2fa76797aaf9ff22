#include <algorithm>
#include <cstring>
#include <utility>

#include "capi/guard.h"
#include "capi/handles.h"

using llmq::capi::code;
using llmq::capi::fail;
using llmq::capi::fail_arg;
using llmq::capi::guarded;
using llmq::capi::usable;
using llmq::runtime::FirstSize;
using llmq::runtime::plausible;
using llmq::runtime::Response;
using llmq::runtime::Whole;

namespace {

// Hands a response of `get` to the caller.
template <typename Get>
llmq_status_t response_from(llmq_manager_t* manager, llmq_response_t** response, Get&& get) {
  if (const llmq_status_t status = usable(manager); status != LLMQ_OK) return status;
  if (response == nullptr) return LLMQ_ERR_INVALID_ARG;
  return guarded([&]() -> llmq_status_t {
    auto handle = std::make_unique<llmq_response>();  // first: what is taken out must not be lost
    std::unique_ptr<Response> found;
    const llmq_status_t status = code(get(&found));
    if (status != LLMQ_OK) return status;
    handle->response = std::move(found);
    *response = handle.release();
    return LLMQ_OK;
  });
}

}  // namespace

extern "C" {

llmq_status_t llmq_submit(llmq_manager_t* manager, const llmq_request_t* request,
                          llmq_request_id_t* id) {
  if (const llmq_status_t status = usable(manager); status != LLMQ_OK) return status;
  if (request == nullptr) return LLMQ_ERR_INVALID_ARG;
  return guarded([&] { return code(manager->manager->submit(*Whole(*request), id)); });
}

llmq_status_t llmq_submit_batch(llmq_manager_t* manager, const llmq_request_t* requests,
                                size_t stride, size_t n, llmq_request_id_t* ids, size_t* accepted) {
  if (accepted != nullptr) *accepted = 0;
  if (const llmq_status_t status = usable(manager); status != LLMQ_OK) return status;
  if ((requests == nullptr && n > 0) || stride < FirstSize<llmq_request_t>::value) {
    return LLMQ_ERR_INVALID_ARG;
  }
  const auto* at = reinterpret_cast<const char*>(requests);
  for (size_t i = 0; i < n; ++i, at += stride) {
    const llmq_status_t status = llmq_submit(manager, reinterpret_cast<const llmq_request_t*>(at),
                                             ids == nullptr ? nullptr : &ids[i]);
    if (status != LLMQ_OK) return status;
    if (accepted != nullptr) *accepted = i + 1;
  }
  return LLMQ_OK;
}

llmq_status_t llmq_submit_wait(llmq_manager_t* manager, const llmq_request_t* request,
                               int64_t timeout_ns, llmq_response_t** response) {
  if (request == nullptr) return LLMQ_ERR_INVALID_ARG;
  return response_from(manager, response, [&](std::unique_ptr<Response>* found) {
    return manager->manager->submit_wait(*Whole(*request), timeout_ns, found);
  });
}

llmq_status_t llmq_request_check(llmq_manager_t* manager, const llmq_request_t* request,
                                 llmq_error_t** err) {
  if (const llmq_status_t status = usable(manager); status != LLMQ_OK) {
    return llmq::capi::fail_status(status, err);
  }
  if (request == nullptr) return fail_arg("request is NULL", err);
  return guarded([&]() -> llmq_status_t {
    const llmq::core::Error why = manager->manager->check(*Whole(*request));
    return why.code == llmq::core::Status::kOk ? LLMQ_OK : fail(why, err);
  });
}

llmq_status_t llmq_request_estimate(llmq_manager_t* manager, const llmq_request_t* request,
                                    llmq_usage_t* usage, llmq_error_t** err) {
  if (const llmq_status_t status = usable(manager); status != LLMQ_OK) {
    return llmq::capi::fail_status(status, err);
  }
  if (request == nullptr) return fail_arg("request is NULL", err);
  if (usage == nullptr || !plausible<llmq_usage_t>(usage->struct_size)) {
    return fail_arg("usage is NULL, or its struct_size is wrong", err);
  }
  return guarded([&]() -> llmq_status_t {
    llmq::core::Usage found;
    const llmq::core::Error why = manager->manager->estimate(*Whole(*request), &found);
    if (why.code != llmq::core::Status::kOk) return fail(why, err);
    llmq::capi::give_usage(found, usage);
    return LLMQ_OK;
  });
}

llmq_status_t llmq_request_wait_estimate(llmq_manager_t* manager, llmq_request_id_t id,
                                         llmq_wait_t* wait) {
  if (const llmq_status_t status = usable(manager); status != LLMQ_OK) return status;
  if (wait == nullptr || !plausible<llmq_wait_t>(wait->struct_size)) {
    return LLMQ_ERR_INVALID_ARG;
  }
  return guarded([&]() -> llmq_status_t {
    llmq::runtime::WaitEstimate estimate;
    const auto status = manager->manager->wait_estimate(id, &estimate);
    if (status != llmq::core::Status::kOk) return code(status);
    llmq_wait_t filled{};
    filled.struct_size = wait->struct_size;
    filled.position = estimate.position;
    filled.p50_ns = estimate.p50.ns;
    filled.p90_ns = estimate.p90.ns;
    const size_t length = std::min(estimate.blocked_by.size(), sizeof filled.blocked_by - 1);
    std::memcpy(filled.blocked_by, estimate.blocked_by.data(), length);
    llmq::runtime::hand_over(filled, wait, wait->struct_size);
    return LLMQ_OK;
  });
}

llmq_status_t llmq_cancel(llmq_manager_t* manager, llmq_request_id_t id) {
  if (const llmq_status_t status = usable(manager); status != LLMQ_OK) return status;
  return guarded([&] { return code(manager->manager->cancel(id)); });
}

llmq_status_t llmq_request_state(llmq_manager_t* manager, llmq_request_id_t id, int32_t* state) {
  if (const llmq_status_t status = usable(manager); status != LLMQ_OK) return status;
  if (state == nullptr) return LLMQ_ERR_INVALID_ARG;
  return guarded([&] { return code(manager->manager->request_state(id, state)); });
}

llmq_status_t llmq_response_get(llmq_manager_t* manager, llmq_request_id_t id,
                                llmq_response_t** response) {
  return response_from(manager, response, [&](std::unique_ptr<Response>* found) {
    return manager->manager->take_response(id, found);
  });
}

llmq_status_t llmq_response_peek(llmq_manager_t* manager, llmq_request_id_t id,
                                 llmq_response_t** response) {
  return response_from(manager, response, [&](std::unique_ptr<Response>* found) {
    return manager->manager->peek_response(id, found);
  });
}

llmq_status_t llmq_usage_update(llmq_manager_t* manager, llmq_request_id_t id,
                                const llmq_usage_t* usage) {
  if (const llmq_status_t status = usable(manager); status != LLMQ_OK) return status;
  llmq::core::Usage used;
  if (usage == nullptr || !llmq::capi::read_usage(*usage, &used)) return LLMQ_ERR_INVALID_ARG;
  return guarded([&] { return code(manager->manager->update_usage(id, used)); });
}

}  // extern "C"
