#include <string_view>
#include <utility>

#include "capi/guard.h"
#include "capi/handles.h"
#include "capi/shared_manager.h"

using llmq::capi::code;
using llmq::capi::fail;
using llmq::capi::fail_arg;
using llmq::capi::fail_status;
using llmq::capi::guarded;
using llmq::capi::usable;
using llmq::capi::valid;
using llmq::core::StopMode;

namespace {

bool is_mode(int32_t mode) { return mode >= LLMQ_SHUTDOWN_DRAIN && mode <= LLMQ_SHUTDOWN_ABORT; }

}  // namespace

extern "C" {

llmq_status_t llmq_manager_create(const llmq_conf_t* conf, llmq_manager_t** manager,
                                  llmq_error_t** err) {
  if (manager == nullptr || (conf != nullptr && !valid(conf))) {
    return fail_arg("conf is not a configuration, or manager is NULL", err);
  }
  return guarded([&]() -> llmq_status_t {
    const llmq_conf defaults;
    const llmq_conf& settings = conf == nullptr ? defaults : *conf;
    auto handle = std::make_unique<llmq_manager>();
    auto made = llmq::runtime::Manager::create(settings.config, settings.callbacks);
    if (!made) return fail(made.error(), err);
    handle->manager = std::move(made.value());
    *manager = handle.release();
    return LLMQ_OK;
  });
}

llmq_status_t llmq_manager_shared(const llmq_conf_t* conf, llmq_manager_t** manager,
                                  llmq_error_t** err) {
  if (manager == nullptr || (conf != nullptr && !valid(conf))) {
    return fail_arg("conf is not a configuration, or manager is NULL", err);
  }
  return guarded([&]() -> llmq_status_t { return llmq::capi::shared_manager(conf, manager, err); });
}

llmq_manager_t* llmq_manager_ref(llmq_manager_t* manager) {
  if (!valid(manager)) return nullptr;
  manager->refs.fetch_add(1, std::memory_order_relaxed);
  return manager;
}

void llmq_manager_unref(llmq_manager_t* manager) {
  if (!valid(manager)) return;
  guarded([&] {
    if (!llmq::capi::drop_reference(manager)) return LLMQ_OK;
    if (manager->fork_mark.forked()) manager->manager->abandon();
    manager->magic = 0;
    delete manager;
    return LLMQ_OK;
  });
}

llmq_status_t llmq_manager_register_models(llmq_manager_t* manager, const llmq_conf_t* conf,
                                           uint32_t flags, llmq_error_t** err) {
  if (const llmq_status_t status = usable(manager); status != LLMQ_OK) {
    return fail_status(status, err);
  }
  if (!valid(conf)) return fail_arg("conf is NULL or not a configuration", err);
  if ((flags & ~static_cast<uint32_t>(LLMQ_REGISTER_SKIP_EXISTING)) != 0) {
    return fail_arg("flags has unknown bits", err);
  }
  return guarded([&]() -> llmq_status_t {
    const auto done = manager->manager->register_models(conf->config, conf->callbacks,
                                                        (flags & LLMQ_REGISTER_SKIP_EXISTING) != 0);
    return done ? LLMQ_OK : fail(done.error(), err);
  });
}

llmq_status_t llmq_manager_remove_model(llmq_manager_t* manager, const char* model,
                                        size_t model_len, int32_t mode) {
  if (const llmq_status_t status = usable(manager); status != LLMQ_OK) return status;
  if (model == nullptr || !is_mode(mode)) return LLMQ_ERR_INVALID_ARG;
  return guarded([&] {
    return code(manager->manager->remove_model(std::string_view(model, model_len),
                                               static_cast<StopMode>(mode)));
  });
}

llmq_status_t llmq_manager_add_deployment(llmq_manager_t* manager, const char* model,
                                          size_t model_len, const char* name, size_t name_len,
                                          const llmq_conf_t* conf, llmq_error_t** err) {
  if (const llmq_status_t status = usable(manager); status != LLMQ_OK) {
    return fail_status(status, err);
  }
  if (model == nullptr || name == nullptr) return fail_arg("model or name is NULL", err);
  if (!valid(conf)) return fail_arg("conf is NULL or not a configuration", err);
  return guarded([&]() -> llmq_status_t {
    const auto done = manager->manager->add_deployment({model, model_len}, {name, name_len},
                                                       conf->config, conf->callbacks);
    return done ? LLMQ_OK : fail(done.error(), err);
  });
}

llmq_status_t llmq_manager_remove_deployment(llmq_manager_t* manager, const char* model,
                                             size_t model_len, const char* name, size_t name_len,
                                             int32_t mode, llmq_error_t** err) {
  if (const llmq_status_t status = usable(manager); status != LLMQ_OK) {
    return fail_status(status, err);
  }
  if (model == nullptr || name == nullptr) return fail_arg("model or name is NULL", err);
  if (!is_mode(mode)) return fail_arg("mode is none of LLMQ_SHUTDOWN_", err);
  return guarded([&]() -> llmq_status_t {
    const auto done = manager->manager->remove_deployment({model, model_len}, {name, name_len},
                                                          static_cast<StopMode>(mode));
    return done ? LLMQ_OK : fail(done.error(), err);
  });
}

llmq_status_t llmq_manager_set(llmq_manager_t* manager, const char* key, const char* value,
                               llmq_error_t** err) {
  if (const llmq_status_t status = usable(manager); status != LLMQ_OK) {
    return fail_status(status, err);
  }
  if (key == nullptr || value == nullptr) return fail_arg("key or value is NULL", err);
  return guarded([&]() -> llmq_status_t {
    const auto done = manager->manager->set(key, value);
    return done ? LLMQ_OK : fail(done.error(), err);
  });
}

llmq_status_t llmq_manager_models_json(llmq_manager_t* manager, char** json, size_t* len) {
  if (const llmq_status_t status = usable(manager); status != LLMQ_OK) return status;
  if (json == nullptr) return LLMQ_ERR_INVALID_ARG;
  return guarded([&] { return llmq::capi::give_text(manager->manager->models_json(), json, len); });
}

llmq_status_t llmq_manager_info_json(llmq_manager_t* manager, const char* model, size_t model_len,
                                     char** json, size_t* len) {
  if (const llmq_status_t status = usable(manager); status != LLMQ_OK) return status;
  if (json == nullptr) return LLMQ_ERR_INVALID_ARG;
  return guarded([&]() -> llmq_status_t {
    const std::string_view name(model == nullptr ? "" : model, model == nullptr ? 0 : model_len);
    const auto info = manager->manager->info_json(model == nullptr ? nullptr : &name);
    if (!info) return code(info.error().code);
    return llmq::capi::give_text(info.value(), json, len);
  });
}

llmq_status_t llmq_manager_shutdown(llmq_manager_t* manager, int32_t mode, int64_t deadline_ns,
                                    llmq_cq_t* cq, uint64_t user_data) {
  if (const llmq_status_t status = usable(manager); status != LLMQ_OK) return status;
  if (!is_mode(mode) || deadline_ns < -1 || (cq != nullptr && !valid(cq))) {
    return LLMQ_ERR_INVALID_ARG;
  }
  return guarded([&] {
    return code(manager->manager->shutdown(static_cast<StopMode>(mode),
                                           llmq::capi::deadline_of(deadline_ns),
                                           llmq::capi::queue_of(cq), user_data));
  });
}

llmq_status_t llmq_manager_destroy(llmq_manager_t* manager) {
  if (manager == nullptr) return LLMQ_OK;
  if (!valid(manager)) return LLMQ_ERR_INVALID_ARG;
  return guarded([&]() -> llmq_status_t {
    llmq_status_t status = LLMQ_ERR_FORKED;
    if (!manager->fork_mark.forked()) status = code(manager->manager->destroy());
    if (status != LLMQ_ERR_WRONG_THREAD) llmq_manager_unref(manager);
    return status;
  });
}

}  // extern "C"
