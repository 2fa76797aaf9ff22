#include "runtime/api_key.h"

#include <string.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "provider/provider.h"
#include "provider/text.h"
#include "runtime/calendar.h"
#include "runtime/log.h"

namespace llmq::runtime {
namespace {

constexpr size_t kMaxKey = kMostKeyBytes;

core::Error wrong(const config::ModelConfig& model, const char* key, std::string message) {
  return core::Error{core::Status::kInvalidValue, "model " + model.name + ": " + std::move(message),
                     "model." + model.name + "." + key};
}

core::Result<std::string> from_file(const config::ModelConfig& model) {
  auto key = read_key_file(model.api_key_file);
  if (!key) return wrong(model, "api_key_file", key.error().message);
  return key;
}

}  // namespace

bool brings_its_key(const config::ModelConfig& model) {
  return std::any_of(model.headers.begin(), model.headers.end(),
                     [](const auto& header) { return config::is_key_header(header.first); });
}

core::Result<std::string> read_api_key(const config::ModelConfig& model, bool has_callback) {
  std::string key;
  if (brings_its_key(model)) {
    const auto fit = provider::check_key_transport(model.base_url, true, model.allow_insecure);
    return fit ? core::Result<std::string>(key) : wrong(model, "base_url", fit.error().message);
  }
  if (!model.api_key_file.empty()) {
    auto read = from_file(model);
    if (!read) return read;
    key = std::move(read.value());
  } else if (!has_callback && !model.api_key_env.empty()) {
    const char* value = std::getenv(model.api_key_env.c_str());
    if (value != nullptr) key = provider::trimmed(value);
    if (key.empty() && !model.profile->key_optional && !provider::is_loopback(model.base_url)) {
      return wrong(model, "api_key_env",
                   "the environment variable " + model.api_key_env + " is not set");
    }
  }
  const bool has_key = has_callback || !key.empty();
  const auto allowed = provider::check_key_transport(model.base_url, has_key, model.allow_insecure);
  if (!allowed) return wrong(model, "base_url", allowed.error().message);
  return key;
}

core::Result<core::Done> validate(const config::Config& config, const Callbacks& callbacks) {
  const auto settings = config.manager();
  if (!settings) return settings.error();
  const auto models = config.models();
  if (!models) return models.error();
  const auto pools = config.pools();
  if (!pools) return pools.error();
  const auto log = make_log(settings.value(), callbacks.log);
  if (!log) return log.error();
  for (const config::PoolConfig& pool : pools.value()) {
    if (auto checked = check_calendars(pool); !checked) return checked.error();
  }
  for (const config::ModelConfig& model : models.value()) {
    if (auto checked = check_calendars(model); !checked) return checked.error();
    if (model.provider != config::ProviderKind::kHttp) continue;
    const auto key = read_api_key(model, callbacks.api_key.fn != nullptr);
    if (!key) return key.error();
  }
  return core::Done{};
}

core::Result<std::string> key_for(const ApiKeyCallback& callback, const ModelEntry& entry) {
  if (!entry.key.empty() || callback.fn == nullptr) return std::string(entry.key.text());
  if (brings_its_key(entry.config)) return std::string();
  std::array<char, kMaxKey> out{};
  const int64_t length = callback.fn(callback.user->get(), entry.config.name.data(),
                                     entry.config.name.size(), out.data(), out.size());
  if (length < 0 || static_cast<size_t>(length) > out.size()) {
    return core::Error{core::Status::kAuth,
                       "the key function gave no key for model " + entry.config.name, ""};
  }
  std::string key(out.data(), static_cast<size_t>(length));
  explicit_bzero(out.data(), out.size());
  return key;
}

std::string key_file_warning(const config::ModelConfig& model) {
  if (!is_world_readable(model.api_key_file)) return "";
  return "the key file " + model.api_key_file + " of model " + model.name +
         " can be read by everybody on this machine: chmod o-r it";
}

}  // namespace llmq::runtime
