#include "cli/check.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string_view>

#include "cli/settings.h"

namespace llmq::cli {
namespace {

constexpr std::string_view kOwners[] = {"model.", "pool.", "tenant."};

// What may hold a password or a key.
bool is_secret(std::string_view key) {
  const std::string_view name = key.substr(key.rfind('.') + 1);
  return name == "headers" || name == "proxy";
}

void print(const Settings& settings, const std::string& key) {
  std::string value = settings.get(key);
  if (is_secret(key) && !value.empty()) value = "(set, not shown)";
  std::printf("%-44s %-36s %s\n", key.c_str(), value.empty() ? "-" : value.c_str(),
              settings.source_of(key).c_str());
}

// The keys that a deployment may have of its own.
void print_deployment(const Settings& settings, const std::string& model, const std::string& name) {
  constexpr std::string_view kMark = " Per deployment.";
  const char* listed = nullptr;
  const char* doc = nullptr;
  for (size_t i = 0; llmq_conf_key_at(i, &listed, nullptr, nullptr, &doc) == LLMQ_OK; ++i) {
    if (std::string_view(doc).find(kMark) == std::string_view::npos) continue;
    const std::string_view key = std::string_view(listed).substr(std::strlen("model.*."));
    print(settings, "model." + model + ".deployments." + name + "." + std::string(key));
  }
}

// The keys of one model, pool or tenant; of the manager where `owner` is "".
void print_keys(const Settings& settings, std::string_view owner, const std::string& name) {
  const char* listed = nullptr;
  for (size_t i = 0; llmq_conf_key_at(i, &listed, nullptr, nullptr, nullptr) == LLMQ_OK; ++i) {
    const std::string_view key = listed;
    std::string_view of;
    for (const std::string_view one : kOwners) {
      if (key.substr(0, one.size()) == one) of = one;
    }
    if (of != owner) continue;
    const std::string any = std::string(of) + "*.";
    print(settings, of.empty()
                        ? std::string(key)
                        : std::string(of) + name + "." + std::string(key.substr(any.size())));
  }
}

// A key that is missing here is no fault of the configuration: it may be there where it is run.
void validate(const Settings& settings, const std::string& path) {
  std::set<std::string> missing;
  for (;;) {
    llmq_error_t* error = nullptr;
    const llmq_status_t status = llmq_conf_validate(settings.conf(), &error);
    const ErrorHandle own(error);
    if (status == LLMQ_OK) return;
    constexpr std::string_view kSuffix = ".api_key_env";
    const std::string key = llmq_error_key(error);
    const bool of_key = key.size() > kSuffix.size() &&
                        key.compare(key.size() - kSuffix.size(), kSuffix.size(), kSuffix) == 0;
    const std::string variable = of_key ? settings.get(key) : "";
    if (!of_key || !missing.insert(variable).second) {
      expect_ok(status, "config " + path, error);
    }
    std::fprintf(stderr, "llmq: warning: %s\n", error_text(error, status).c_str());
    ::setenv(variable.c_str(), "unset", 1);  // for the rest of this check
  }
}

}  // namespace

int check_config(const std::string& path, const CallFlags& flags) {
  const Settings settings(flags, path);
  validate(settings, path);
  std::printf("%-44s %-36s %s\n", "KEY", "VALUE", "SOURCE");
  print_keys(settings, "", "");
  for (const std::string& pool : settings.pools()) print_keys(settings, "pool.", pool);
  print_keys(settings, "tenant.", "*");
  for (const std::string& tenant : settings.tenants()) print_keys(settings, "tenant.", tenant);
  for (const std::string& model : settings.models()) {
    print_keys(settings, "model.", model);
    for (const std::string& name : settings.deployments(model)) {
      print_deployment(settings, model, name);
    }
  }
  if (settings.models().empty()) print_keys(settings, "model.", "*");
  return kExitOk;
}

}  // namespace llmq::cli
