#include "cli/check.h"

#include <cstdio>
#include <string_view>

#include "cli/settings.h"

namespace llmq::cli {
namespace {

constexpr std::string_view kEveryModel = "model.*.";

void print(const Settings& settings, const std::string& key) {
  const std::string value = settings.get(key);
  std::printf("%-44s %-36s %s\n", key.c_str(), value.empty() ? "-" : value.c_str(),
              settings.source_of(key).c_str());
}

void print_keys(const Settings& settings, const std::string& model) {
  const char* key = nullptr;
  for (size_t i = 0; llmq_conf_key_at(i, &key, nullptr, nullptr, nullptr) == LLMQ_OK; ++i) {
    const std::string_view name = key;
    const bool of_model = name.substr(0, kEveryModel.size()) == kEveryModel;
    if (of_model == model.empty()) continue;
    print(settings, of_model ? "model." + model + "." + std::string(name.substr(kEveryModel.size()))
                             : std::string(name));
  }
}

}  // namespace

int check_config(const std::string& path, const CallFlags& flags) {
  const Settings settings(flags, path);
  expect_ok_from([&](llmq_error_t** error) { return llmq_conf_validate(settings.conf(), error); },
                 "config " + path);
  std::printf("%-44s %-36s %s\n", "KEY", "VALUE", "SOURCE");
  print_keys(settings, "");
  for (const std::string& model : settings.models()) print_keys(settings, model);
  if (settings.models().empty()) print_keys(settings, "*");
  return kExitOk;
}

}  // namespace llmq::cli
