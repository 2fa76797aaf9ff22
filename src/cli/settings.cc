#include "cli/settings.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "base/json.h"

namespace llmq::cli {
namespace {

constexpr size_t kMaxConfigBytes = size_t{16} << 20;

std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return std::string(value);
}

CallFlags flags_of_environment() {
  CallFlags flags;
  flags.provider = variable("LLMQ_PROVIDER");
  flags.preset = variable("LLMQ_PRESET");
  flags.base_url = variable("LLMQ_BASE_URL");
  flags.api_key_env = variable("LLMQ_API_KEY_ENV");
  flags.timeout = variable("LLMQ_TIMEOUT");
  flags.max_attempts = variable("LLMQ_MAX_ATTEMPTS");
  flags.price_input = variable("LLMQ_PRICE_INPUT");
  flags.price_output = variable("LLMQ_PRICE_OUTPUT");
  std::string limits = variable("LLMQ_LIMIT").value_or("");
  while (!limits.empty()) {
    const size_t end = limits.find(';');
    flags.limits.push_back(limits.substr(0, end));
    limits.erase(0, end == std::string::npos ? end : end + 1);
  }
  return flags;
}

// "30s", "500ms", "2m", "1h" in ms.
std::string milliseconds_of(const std::string& text, const std::string& source) {
  struct Unit {
    const char* name;
    int64_t ms;
  };
  constexpr Unit kUnits[] = {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}};
  constexpr int64_t kMaxCount = 31'622'400'000;  // 366 days in ms
  const size_t digits = text.find_first_not_of("0123456789");
  if (digits != 0 && digits != std::string::npos && digits <= 11) {
    const int64_t count = std::stoll(text.substr(0, digits));
    for (const Unit& unit : kUnits) {
      if (text.substr(digits) == unit.name && count > 0 && count <= kMaxCount / unit.ms) {
        return std::to_string(count * unit.ms);
      }
    }
  }
  throw Failure(source + ": \"" + text +
                "\" is not acceptable: expected a time such as 500ms, 30s, "
                "2m or 1h, at most 366 days");
}

std::string joined(const std::vector<std::string>& parts) {
  std::string all;
  for (const std::string& part : parts) all += (all.empty() ? "" : ";") + part;
  return all;
}

}  // namespace

Settings::Settings(const CallFlags& flags, const std::string& config_path) {
  llmq_conf_t* conf = nullptr;
  expect_ok(llmq_conf_create(&conf));
  conf_.reset(conf);
  if (!config_path.empty()) read_file(config_path);
  file_models_ = models();
  any_model_ = file_models_.empty() || flags.provider.has_value();

  CallFlags names;
  names.provider = "LLMQ_PROVIDER";
  names.preset = "LLMQ_PRESET";
  names.base_url = "LLMQ_BASE_URL";
  names.api_key_env = "LLMQ_API_KEY_ENV";
  names.timeout = "LLMQ_TIMEOUT";
  names.max_attempts = "LLMQ_MAX_ATTEMPTS";
  names.price_input = "LLMQ_PRICE_INPUT";
  names.price_output = "LLMQ_PRICE_OUTPUT";
  layer(flags_of_environment(), names, "LLMQ_LIMIT");
  names.provider = "--provider";
  names.preset = "--preset";
  names.base_url = "--base-url";
  names.api_key_env = "--api-key-env";
  names.timeout = "--timeout";
  names.max_attempts = "--max-attempts";
  names.price_input = "--price-input";
  names.price_output = "--price-output";
  layer(flags, names, "--limit");

  // A program cannot bring a processor: without a word about the provider it is openai.
  bool is_default = true;
  get("model.*.provider", &is_default);
  if (is_default) {
    for (const std::string& model : models()) {
      const std::string key = "model." + model + ".provider";
      get(key, &is_default);
      sources_.emplace(key, is_default ? "default" : "file");
    }
    // A preset is one of a provider, which its name begins with.
    const std::string preset = get("model.*.preset");
    const std::string provider = preset.substr(0, preset.find('/'));
    set("model.*.provider", provider.empty() ? "openai" : provider, "default");
  }
  take_openai_base_url();
}

// The variable of OpenAI's own programs speaks of nobody else: a key of another provider must not
// go there.
void Settings::take_openai_base_url() {
  constexpr const char* kName = "OPENAI_BASE_URL";
  const auto url = variable(kName);
  if (!url) return;
  std::vector<std::string> all = any_model_ ? std::vector<std::string>{"*"} : models();
  for (const std::string& model : all) {
    bool is_default = true;
    get("model." + model + ".base_url", &is_default);
    if (is_default && get("model." + model + ".provider") == "openai") {
      set("model." + model + ".base_url", *url, kName);
    }
  }
}

void Settings::read_file(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    throw Failure("config " + path + " is a directory");
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Failure("config " + path + " cannot be read: " + std::strerror(errno));
  const std::string text(std::istreambuf_iterator<char>(file), {});
  if (file.bad()) throw Failure("config " + path + " cannot be read");
  if (text.size() > kMaxConfigBytes) {
    throw Failure("config " + path + " has " + std::to_string(text.size()) +
                  " bytes; at most 16 MiB are read");
  }
  expect_ok_from(
      [&](llmq_error_t** error) {
        return llmq_conf_set_json(conf_.get(), text.data(), text.size(), error);
      },
      "config " + path);
}

void Settings::set(const std::string& key, const std::string& value, const std::string& source) {
  expect_ok_from(
      [&](llmq_error_t** error) {
        return llmq_conf_set(conf_.get(), key.c_str(), value.c_str(), error);
      },
      source);
  sources_[key] = source;
}

void Settings::set_for_all(const std::string& name, const std::string& value,
                           const std::string& source) {
  set("model.*." + name, value, source);
  for (const std::string& model : models()) set("model." + model + "." + name, value, source);
}

// Limits for every model take the place of all that were given before; limits for one model that of
// its limits of the same kind and period alone.
void Settings::set_limits(const std::vector<std::string>& limits, const std::string& source) {
  std::vector<std::string> general;
  std::map<std::string, std::vector<std::string>> special;
  for (const std::string& limit : limits) {
    const size_t colon = limit.rfind(':', limit.find('='));
    if (colon == std::string::npos || colon == 0) {
      general.push_back(limit);
    } else {
      special[limit.substr(0, colon)].push_back(limit.substr(colon + 1));
    }
  }
  if (!general.empty()) {
    set_for_all("limits", joined(general), source);
    for (const std::string& model : models()) sources_.erase("model." + model + ".limit");
  }
  for (const auto& [model, own] : special) {
    set("model." + model + ".limit", joined(own), source);
  }
}

void Settings::layer(const CallFlags& values, const CallFlags& sources, const char* limit_source) {
  if (values.provider) set_for_all("provider", *values.provider, *sources.provider);
  if (values.preset) set_for_all("preset", *values.preset, *sources.preset);
  if (values.base_url) set_for_all("base_url", *values.base_url, *sources.base_url);
  if (values.api_key_env) set_for_all("api_key_env", *values.api_key_env, *sources.api_key_env);
  if (values.timeout) {
    set_for_all("timeout_ms", milliseconds_of(*values.timeout, *sources.timeout), *sources.timeout);
  }
  if (values.max_attempts) {
    set_for_all("retry.max_attempts", *values.max_attempts, *sources.max_attempts);
  }
  if (values.price_input) set_for_all("price_input", *values.price_input, *sources.price_input);
  if (values.price_output) set_for_all("price_output", *values.price_output, *sources.price_output);
  if (!values.limits.empty()) set_limits(values.limits, limit_source);
}

Conf Settings::with_model(const std::string& model, std::string& fault) const {
  llmq_conf_t* copy = nullptr;
  expect_ok(llmq_conf_copy(conf_.get(), &copy));
  Conf own(copy);
  const std::string key = "model." + model + ".provider";
  std::string provider;
  try {
    provider = get(key);
  } catch (const Failure& failure) {
    fault = failure.what();
    return own;
  }
  llmq_error_t* error = nullptr;
  const llmq_status_t status = llmq_conf_set(copy, key.c_str(), provider.c_str(), &error);
  const ErrorHandle own_error(error);
  if (status == LLMQ_ERR_NOMEM) expect_ok(status);
  if (status != LLMQ_OK) fault = error_text(error, status);
  return own;
}

std::vector<std::string> Settings::models() const { return names(llmq_conf_models_json); }
std::vector<std::string> Settings::pools() const { return names(llmq_conf_pools_json); }
std::vector<std::string> Settings::deployments(const std::string& model) const {
  return names([&model](const llmq_conf_t* conf, char** json) {
    return llmq_conf_deployments_json(conf, model.data(), model.size(), json);
  });
}
std::vector<std::string> Settings::tenants() const { return names(llmq_conf_tenants_json); }

bool Settings::has_prices(const std::string& model) const {
  const auto priced = [this](const std::string& prefix) {
    return !get(prefix + "price_input").empty() || !get(prefix + "price_output").empty();
  };
  const std::string prefix = "model." + model + ".";
  const std::vector<std::string> names = deployments(model);
  return names.empty() ? priced(prefix)
                       : std::all_of(names.begin(), names.end(), [&](const std::string& name) {
                           return priced(prefix + "deployments." + name + ".");
                         });
}

std::vector<std::string> Settings::names(
    const std::function<llmq_status_t(const llmq_conf_t*, char**)>& list_of) const {
  char* text = nullptr;
  expect_ok(list_of(conf_.get(), &text));
  const Text own(text);
  const base::Json list(cJSON_Parse(text));
  std::vector<std::string> all;
  const cJSON* item = nullptr;
  cJSON_ArrayForEach(item, list.get()) all.emplace_back(item->valuestring);
  return all;
}

std::string Settings::get(const std::string& key, bool* is_default) const {
  char* value = nullptr;
  int32_t from_default = 0;
  expect_ok(llmq_conf_get(conf_.get(), key.c_str(), &value, &from_default), key);
  const Text own(value);
  if (is_default != nullptr) *is_default = from_default != 0;
  return value;
}

std::string Settings::source_of(const std::string& key) const {
  const auto found = sources_.find(key);
  if (found != sources_.end()) return found->second;
  bool is_default = true;
  get(key, &is_default);
  if (is_default) return "default";
  // What a flag gave to every model counts for one that has nothing of its own.
  if (key.rfind("model.", 0) == 0) {
    for (const auto& [other, source] : sources_) {
      if (other.rfind("model.*.", 0) != 0) continue;
      const std::string name = other.substr(7);  // with its dot
      if (key.size() > name.size() &&
          key.compare(key.size() - name.size(), name.size(), name) == 0) {
        return source;
      }
    }
  }
  return "file";
}

}  // namespace llmq::cli
