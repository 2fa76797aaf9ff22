#include <cjson/cJSON.h>

#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "capi/guard.h"
#include "capi/handles.h"
#include "runtime/memory.h"
#include "runtime/validate.h"

using llmq::capi::fail;
using llmq::capi::fail_arg;
using llmq::capi::guarded;
using llmq::capi::own;
using llmq::capi::valid;

namespace {

using Names = std::vector<std::string> (llmq::config::Config::*)() const;

llmq_status_t give_list(const std::vector<std::string>& names, char** json) {
  const llmq::base::Json list(llmq::base::new_array());
  for (const std::string& name : names) {
    llmq::base::append(list.get(), llmq::base::new_text(name.c_str()));
  }
  return llmq::capi::give_text(llmq::base::json_text(list.get()), json, nullptr);
}

llmq_status_t give_names(const llmq_conf_t* conf, char** json, Names names) {
  if (!valid(conf) || json == nullptr) return LLMQ_ERR_INVALID_ARG;
  return guarded([&] { return give_list((conf->config.*names)(), json); });
}

}  // namespace

extern "C" {

llmq_status_t llmq_conf_create(llmq_conf_t** conf) {
  if (conf == nullptr) return LLMQ_ERR_INVALID_ARG;
  return guarded([&] {
    *conf = new llmq_conf;
    return LLMQ_OK;
  });
}

void llmq_conf_free(llmq_conf_t* conf) {
  if (!valid(conf)) return;
  conf->magic = 0;
  delete conf;
}

llmq_status_t llmq_conf_copy(const llmq_conf_t* conf, llmq_conf_t** copy) {
  if (!valid(conf) || copy == nullptr) return LLMQ_ERR_INVALID_ARG;
  return guarded([&] {
    *copy = new llmq_conf(*conf);
    return LLMQ_OK;
  });
}

llmq_status_t llmq_conf_set(llmq_conf_t* conf, const char* key, const char* value,
                            llmq_error_t** err) {
  if (!valid(conf)) return fail_arg("conf is NULL or not a configuration", err);
  if (key == nullptr || value == nullptr) return fail_arg("key or value is NULL", err);
  return guarded([&]() -> llmq_status_t {
    const auto result = conf->config.set(key, value);
    return result ? LLMQ_OK : fail(result.error(), err);
  });
}

llmq_status_t llmq_conf_set_json(llmq_conf_t* conf, const char* json, size_t json_len,
                                 llmq_error_t** err) {
  if (!valid(conf)) return fail_arg("conf is NULL or not a configuration", err);
  if (json == nullptr) return fail_arg("json is NULL", err);
  return guarded([&]() -> llmq_status_t {
    const auto result = conf->config.set_json(std::string_view(json, json_len));
    return result ? LLMQ_OK : fail(result.error(), err);
  });
}

llmq_status_t llmq_conf_get(const llmq_conf_t* conf, const char* key, char** value,
                            int32_t* is_default) {
  if (!valid(conf) || key == nullptr || value == nullptr) return LLMQ_ERR_INVALID_ARG;
  return guarded([&]() -> llmq_status_t {
    bool from_default = false;
    const auto result = conf->config.get(key, &from_default);
    if (!result) return llmq::capi::code(result.error().code);
    if (is_default != nullptr) *is_default = from_default ? 1 : 0;
    return llmq::capi::give_text(result.value(), value, nullptr);
  });
}

llmq_status_t llmq_conf_key_at(size_t index, const char** key, const char** type, const char** def,
                               const char** doc) {
  return guarded([&]() -> llmq_status_t {
    const auto& keys = llmq::config::keys();
    if (index >= keys.size()) return LLMQ_ERR_INVALID_ARG;
    if (key != nullptr) *key = keys[index].key;
    if (type != nullptr) *type = keys[index].type;
    if (def != nullptr) *def = keys[index].def;
    if (doc != nullptr) *doc = keys[index].doc;
    return LLMQ_OK;
  });
}

llmq_status_t llmq_conf_presets_json(char** json) {
  if (json == nullptr) return LLMQ_ERR_INVALID_ARG;
  return guarded([&] {
    return llmq::capi::give_text(std::string(llmq::config::presets_json()), json, nullptr);
  });
}

llmq_status_t llmq_conf_provider_at(size_t index, const char** name, const char** base_url,
                                    const char** key_variable, const char** charge,
                                    const char** api_version) {
  return guarded([&]() -> llmq_status_t {
    const llmq::provider::Profile* const profile = llmq::config::provider_at(index);
    if (profile == nullptr) return LLMQ_ERR_INVALID_ARG;
    // Each is a literal: what its view ends at is a NUL.
    if (name != nullptr) *name = profile->name.data();
    if (base_url != nullptr) *base_url = profile->base_url.data();
    if (key_variable != nullptr) *key_variable = profile->key_variable.data();
    if (charge != nullptr) *charge = profile->charge.data();
    if (api_version != nullptr) *api_version = profile->api_version.data();
    return LLMQ_OK;
  });
}

llmq_status_t llmq_conf_validate(const llmq_conf_t* conf, llmq_error_t** err) {
  if (!valid(conf)) return fail_arg("conf is NULL or not a configuration", err);
  return guarded([&]() -> llmq_status_t {
    const auto valid_settings = llmq::runtime::validate(conf->config, conf->callbacks);
    return valid_settings ? LLMQ_OK : fail(valid_settings.error(), err);
  });
}

llmq_status_t llmq_conf_models_json(const llmq_conf_t* conf, char** json) {
  return give_names(conf, json, &llmq::config::Config::model_names);
}

llmq_status_t llmq_conf_deployments_json(const llmq_conf_t* conf, const char* model,
                                         size_t model_len, char** json) {
  if (!valid(conf) || model == nullptr || json == nullptr) return LLMQ_ERR_INVALID_ARG;
  return guarded([&] {
    return give_list(conf->config.deployment_names({model, model_len}), json);
  });
}

llmq_status_t llmq_conf_pools_json(const llmq_conf_t* conf, char** json) {
  return give_names(conf, json, &llmq::config::Config::pool_names);
}

llmq_status_t llmq_conf_tenants_json(const llmq_conf_t* conf, char** json) {
  return give_names(conf, json, &llmq::config::Config::tenant_names);
}

llmq_status_t llmq_conf_set_log(llmq_conf_t* conf, int32_t level, llmq_log_fn fn, void* user,
                                llmq_user_free_fn user_free) {
  return guarded([&]() -> llmq_status_t {
    auto data = own(user, user_free);
    if (!valid(conf) || level < LLMQ_LOG_TRACE || level > LLMQ_LOG_OFF) return LLMQ_ERR_INVALID_ARG;
    if (data == nullptr) return LLMQ_ERR_NOMEM;
    conf->callbacks.log = {level, fn, std::move(data)};
    return LLMQ_OK;
  });
}

llmq_status_t llmq_conf_set_allocator(llmq_conf_t* conf, llmq_alloc_fn alloc,
                                      llmq_dealloc_fn dealloc, void* user,
                                      llmq_user_free_fn user_free) {
  return guarded([&]() -> llmq_status_t {
    auto data = own(user, user_free);
    if (!valid(conf) || (alloc == nullptr) != (dealloc == nullptr)) return LLMQ_ERR_INVALID_ARG;
    if (data == nullptr) return LLMQ_ERR_NOMEM;
    conf->callbacks.memory = alloc == nullptr ? nullptr
                                              : std::make_shared<const llmq::runtime::Memory>(
                                                    alloc, dealloc, std::move(data));
    return LLMQ_OK;
  });
}

llmq_status_t llmq_conf_set_api_key_fn(llmq_conf_t* conf, llmq_api_key_fn fn, void* user,
                                       llmq_user_free_fn user_free) {
  return guarded([&]() -> llmq_status_t {
    auto data = own(user, user_free);
    if (!valid(conf)) return LLMQ_ERR_INVALID_ARG;
    if (data == nullptr) return LLMQ_ERR_NOMEM;
    conf->callbacks.api_key = {fn, nullptr, std::move(data)};
    return LLMQ_OK;
  });
}

llmq_status_t llmq_conf_set_deployment_key_fn(llmq_conf_t* conf, llmq_deployment_key_fn fn,
                                              void* user, llmq_user_free_fn user_free) {
  return guarded([&]() -> llmq_status_t {
    auto data = own(user, user_free);
    if (!valid(conf)) return LLMQ_ERR_INVALID_ARG;
    if (data == nullptr) return LLMQ_ERR_NOMEM;
    conf->callbacks.api_key = {nullptr, fn, std::move(data)};
    return LLMQ_OK;
  });
}

llmq_status_t llmq_conf_ask_for_keys(llmq_conf_t* conf) {
  if (!valid(conf)) return LLMQ_ERR_INVALID_ARG;
  conf->callbacks.api_key = {nullptr, nullptr, nullptr, true};
  return LLMQ_OK;
}

}  // extern "C"
