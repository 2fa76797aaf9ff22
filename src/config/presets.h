// Limits and prices that providers publish for their plans, by name: presets.json, with source and
// date of each.
#ifndef LLMQ_CONFIG_PRESETS_H_
#define LLMQ_CONFIG_PRESETS_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace llmq::config {

// What a preset sets for the models of one pattern.
struct PresetModel {
  std::string pattern;                                        // a name; * stands for any part of it
  std::vector<std::pair<std::string, std::string>> settings;  // keys of a model, as text
};

struct Preset {
  std::string name;  // "openai/tier-1": provider and plan
  std::string source;
  std::string as_of;
  std::string prices_source;  // "" if it has no prices
  std::string prices_as_of;
  std::vector<PresetModel> models;  // the first that matches counts

  const PresetModel* for_model(std::string_view model) const;
};

// The document that the library was built with.
std::string_view presets_json();

const std::vector<Preset>& presets();
const Preset* find_preset(std::string_view name);

// * stands for any text, also for none.
bool matches(std::string_view pattern, std::string_view name);

}  // namespace llmq::config

#endif  // LLMQ_CONFIG_PRESETS_H_
