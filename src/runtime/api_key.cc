#include "runtime/api_key.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "provider/provider.h"
#include "provider/text.h"

namespace llmq::runtime {
namespace {

constexpr size_t kMaxKey = kMostKeyBytes;

core::Error wrong(const config::DeploymentConfig& config, const char* key,
                  const std::string& message) {
  return core::Error{core::Status::kInvalidValue, config.title() + ": " + message,
                     config.key_prefix() + key};
}

core::Result<std::string> from_file(const config::DeploymentConfig& config) {
  auto key = read_key_file(config.api_key_file);
  if (!key) return wrong(config, "api_key_file", key.error().message);
  return key;
}

}  // namespace

bool brings_its_key(const config::DeploymentConfig& config) {
  return std::any_of(config.headers.begin(), config.headers.end(),
                     [](const auto& header) { return config::is_key_header(header.first); });
}

core::Result<std::string> read_api_key(const config::DeploymentConfig& config, bool has_callback) {
  std::string key;
  if (brings_its_key(config)) {
    const auto fit = provider::check_key_transport(config.base_url, true, config.allow_insecure);
    return fit ? core::Result<std::string>(key) : wrong(config, "base_url", fit.error().message);
  }
  if (!config.api_key_file.empty()) {
    auto read = from_file(config);
    if (!read) return read;
    key = std::move(read.value());
  } else if (!has_callback && !config.api_key_env.empty()) {
    const char* value = std::getenv(config.api_key_env.c_str());
    if (value != nullptr) key = provider::trimmed(value);
    if (key.empty() && !config.profile->key_optional && !provider::is_loopback(config.base_url)) {
      return wrong(config, "api_key_env",
                   "the environment variable " + config.api_key_env + " is not set");
    }
  }
  const bool has_key = has_callback || !key.empty();
  const auto allowed =
      provider::check_key_transport(config.base_url, has_key, config.allow_insecure);
  if (!allowed) return wrong(config, "base_url", allowed.error().message);
  return key;
}

bool is_asked_by_event(const DeploymentEntry& entry) {
  return entry.key_fn.by_event && entry.key.empty() && !brings_its_key(entry.config);
}

core::Result<std::string> key_for(const ApiKeyCallback& callback, const DeploymentEntry& entry) {
  if (!entry.key.empty() || !callback.is_set()) return std::string(entry.key.text());
  const config::DeploymentConfig& config = entry.config;
  if (brings_its_key(config)) return std::string();
  if (callback.by_event) {
    return core::Error{core::Status::kAuth,
                       "the key of " + config.title() + " is known to the host of a manager alone",
                       ""};
  }
  std::array<char, kMaxKey> out{};
  void* const user = callback.user->get();
  const std::string& model = config.model;
  const int64_t length =
      callback.fn != nullptr
          ? callback.fn(user, model.data(), model.size(), out.data(), out.size())
          : callback.deployment_fn(user, model.data(), model.size(), config.name.data(),
                                   config.name.size(), out.data(), out.size());
  if (length < 0 || static_cast<size_t>(length) > out.size()) {
    return core::Error{core::Status::kAuth, "the key function gave no key for " + config.title(),
                       ""};
  }
  std::string key(out.data(), static_cast<size_t>(length));
  wipe(out.data(), out.size());
  return key;
}

std::string key_file_warning(const config::DeploymentConfig& config) {
  if (!platform::is_world_readable(config.api_key_file)) return "";
  return "the key file " + config.api_key_file + " of " + config.title() +
         " can be read by everybody on this machine: chmod o-r it";
}

}  // namespace llmq::runtime
