#include "runtime/api_key.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include "provider/provider.h"
#include "runtime/log.h"

namespace llmq::runtime {
namespace {

constexpr size_t kMaxKey = 8192;

core::Error wrong(const config::ModelConfig& model, const char* key, std::string message) {
  return core::Error{core::Status::kInvalidValue, "model " + model.name + ": " + std::move(message),
                     "model." + model.name + "." + key};
}

std::string trimmed(std::string text) {
  const size_t end = text.find_last_not_of(" \t\r\n");
  text.erase(end == std::string::npos ? 0 : end + 1);
  const size_t begin = text.find_first_not_of(" \t\r\n");
  return text.substr(begin == std::string::npos ? text.size() : begin);
}

core::Result<std::string> from_file(const config::ModelConfig& model) {
  std::ifstream file(model.api_key_file, std::ios::binary);
  if (!file) {
    return wrong(model, "api_key_file",
                 "the key file " + model.api_key_file + " cannot be read: " + std::strerror(errno));
  }
  std::string key(std::istreambuf_iterator<char>(file), {});
  key = trimmed(std::move(key));
  if (key.empty() || key.size() > kMaxKey) {
    return wrong(model, "api_key_file", "the key file " + model.api_key_file + " holds no key");
  }
  return key;
}

}  // namespace

core::Result<std::string> read_api_key(const config::ModelConfig& model, bool has_callback) {
  std::string key;
  if (!model.api_key_file.empty()) {
    auto read = from_file(model);
    if (!read) return read;
    key = std::move(read.value());
  } else if (!has_callback && !model.api_key_env.empty()) {
    const char* value = std::getenv(model.api_key_env.c_str());
    if (value != nullptr) key = trimmed(value);
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
  for (const config::ModelConfig& model : models.value()) {
    if (model.provider != config::ProviderKind::kHttp) continue;
    const auto key = read_api_key(model, callbacks.api_key.fn != nullptr);
    if (!key) return key.error();
  }
  return core::Done{};
}

core::Result<std::string> key_for(const ApiKeyCallback& callback, const ModelEntry& entry) {
  if (!entry.api_key.empty() || callback.fn == nullptr) return entry.api_key;
  std::array<char, kMaxKey> out{};
  const int64_t length = callback.fn(callback.user->get(), entry.config.name.data(),
                                     entry.config.name.size(), out.data(), out.size());
  if (length < 0 || static_cast<size_t>(length) > out.size()) {
    return core::Error{core::Status::kAuth,
                       "the key function gave no key for model " + entry.config.name, ""};
  }
  std::string key(out.data(), static_cast<size_t>(length));
  out.fill('\0');
  return key;
}

}  // namespace llmq::runtime
