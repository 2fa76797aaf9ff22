// llmq/cpp/conf.hpp - settings. Include llmq/llmq.hpp.
#ifndef LLMQ_CPP_CONF_HPP_
#define LLMQ_CPP_CONF_HPP_

#include <llmq/cpp/handle.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace llmq {

class conf {
 public:
  conf() {
    llmq_conf_t* made = nullptr;
    detail::check(llmq_conf_create(&made));
    handle_.reset(made);
  }
  conf& set(const std::string& key, const std::string& value) {
    llmq_error_t* err = nullptr;
    const status code = llmq_conf_set(handle_.get(), key.c_str(), value.c_str(), &err);
    detail::check(code, err);
    return *this;
  }
  // All of the document or nothing.
  conf& set_json(std::string_view json) {
    llmq_error_t* err = nullptr;
    const status code = llmq_conf_set_json(handle_.get(), detail::at(json), json.size(), &err);
    detail::check(code, err);
    return *this;
  }
  // What was set, or the default.
  std::string get(const std::string& key) const {
    char* value = nullptr;
    const status code = llmq_conf_get(handle_.get(), key.c_str(), &value, nullptr);
    if (code != LLMQ_OK) throw_error(code, {}, key);
    return detail::take(value);
  }
  void validate() const {
    llmq_error_t* err = nullptr;
    const status code = llmq_conf_validate(handle_.get(), &err);
    detail::check(code, err);
  }
  std::string models_json() const {
    char* json = nullptr;
    detail::check(llmq_conf_models_json(handle_.get(), &json));
    return detail::take(json);
  }
  // One call to the provider of a model: JSON, as llmq_probe_json tells. Throws if none can be
  // made.
  std::string probe_json(std::string_view model, uint32_t flags = 0) const {
    char* json = nullptr;
    llmq_error_t* err = nullptr;
    const status code =
        llmq_probe_json(handle_.get(), model.data(), model.size(), flags, &json, nullptr, &err);
    detail::check(code, err);
    return detail::take(json);
  }
  conf copy() const {
    llmq_conf_t* made = nullptr;
    detail::check(llmq_conf_copy(handle_.get(), &made));
    return conf(made);
  }
  // Log lines of `level` (LLMQ_LOG_) and above, on the thread that logs. fn must not call llmq.
  conf& set_log(int32_t level, std::function<void(int32_t level, std::string_view line)> fn) {
    using log_fn = std::function<void(int32_t, std::string_view)>;
    const llmq_log_fn call = [](void* user, int32_t at, const char* text, size_t len) noexcept {
      try {
        (*static_cast<log_fn*>(user))(at, std::string_view(text, len));
      } catch (...) {
      }
    };
    detail::check(llmq_conf_set_log(handle_.get(), level, call, new log_fn(std::move(fn)),
                                    detail::free_user<log_fn>));
    return *this;
  }
  // Gives the key of a model before each attempt, on the loop thread. No key: nullopt.
  conf& set_api_key(std::function<std::optional<std::string>(std::string_view model)> fn) {
    using key_fn = std::function<std::optional<std::string>(std::string_view)>;
    const llmq_api_key_fn call = [](void* user, const char* model, size_t len, char* out,
                                    size_t cap) noexcept -> int64_t {
      try {
        const auto key = (*static_cast<key_fn*>(user))(std::string_view(model, len));
        if (!key) return -1;
        key->copy(out, cap);
        return static_cast<int64_t>(key->size());
      } catch (...) {
        return -1;
      }
    };
    detail::check(llmq_conf_set_api_key_fn(handle_.get(), call, new key_fn(std::move(fn)),
                                           detail::free_user<key_fn>));
    return *this;
  }
  // The same for each deployment of a model; "" is the name of an only one without a name.
  conf& set_deployment_key(
      std::function<std::optional<std::string>(std::string_view model, std::string_view deployment)>
          fn) {
    using key_fn = std::function<std::optional<std::string>(std::string_view, std::string_view)>;
    const llmq_deployment_key_fn call = [](void* user, const char* model, size_t len,
                                           const char* name, size_t name_len, char* out,
                                           size_t cap) noexcept -> int64_t {
      try {
        const auto key = (*static_cast<key_fn*>(user))(std::string_view(model, len),
                                                       std::string_view(name, name_len));
        if (!key) return -1;
        key->copy(out, cap);
        return static_cast<int64_t>(key->size());
      } catch (...) {
        return -1;
      }
    };
    detail::check(llmq_conf_set_deployment_key_fn(handle_.get(), call, new key_fn(std::move(fn)),
                                                  detail::free_user<key_fn>));
    return *this;
  }
  // A manager made of this asks for keys by events LLMQ_EV_KEY (manager::set_key_queue).
  conf& ask_for_keys() {
    detail::check(llmq_conf_ask_for_keys(handle_.get()));
    return *this;
  }
  std::string deployments_json(std::string_view model) const {
    char* json = nullptr;
    detail::check(llmq_conf_deployments_json(handle_.get(), model.data(), model.size(), &json));
    return detail::take(json);
  }
  llmq_conf_t* handle() const noexcept { return handle_.get(); }

 private:
  explicit conf(llmq_conf_t* made) noexcept : handle_(made) {}
  detail::owned<llmq_conf_t> handle_;
};

}  // namespace llmq

#endif  // LLMQ_CPP_CONF_HPP_
