#include "config/presets.h"

#include <algorithm>
#include <memory>

#include "base/json.h"

namespace llmq::config {
namespace {

std::string text_of(const cJSON* object, const char* name) {
  const cJSON* const value = cJSON_GetObjectItemCaseSensitive(object, name);
  return cJSON_IsString(value) != 0 ? value->valuestring : "";
}

PresetModel read_model(const cJSON* object) {
  PresetModel model;
  for (const cJSON* item = object->child; item != nullptr; item = item->next) {
    if (std::string_view(item->string) == "model") {
      model.pattern = item->valuestring;
    } else {
      model.settings.emplace_back(item->string, item->valuestring);
    }
  }
  return model;
}

Preset read_preset(const cJSON* object) {
  Preset preset{text_of(object, "preset"),       text_of(object, "source"),
                text_of(object, "as_of"),        text_of(object, "prices_source"),
                text_of(object, "prices_as_of"), {}};
  const cJSON* model = nullptr;
  cJSON_ArrayForEach(model, cJSON_GetObjectItemCaseSensitive(object, "models")) {
    preset.models.push_back(read_model(model));
  }
  return preset;
}

}  // namespace

bool matches(std::string_view pattern, std::string_view name) {
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == name;
  if (name.substr(0, star) != pattern.substr(0, star)) return false;
  const std::string_view rest = pattern.substr(star + 1);
  for (size_t at = star; at <= name.size(); ++at) {
    if (matches(rest, name.substr(at))) return true;
  }
  return false;
}

const PresetModel* Preset::for_model(std::string_view model) const {
  const auto found = std::find_if(models.begin(), models.end(), [model](const PresetModel& one) {
    return matches(one.pattern, model);
  });
  return found == models.end() ? nullptr : &*found;
}

// Never destroyed, as the table of keys.
const std::vector<Preset>& presets() {
  static const std::vector<Preset>& all = *[] {
    auto made = std::make_unique<std::vector<Preset>>();
    const std::string_view text = presets_json();
    const char* end = nullptr;
    const base::Json document = base::parse_json(text, &end);
    const cJSON* preset = nullptr;
    cJSON_ArrayForEach(preset, document.get()) made->push_back(read_preset(preset));
    return made.release();
  }();
  return all;
}

const Preset* find_preset(std::string_view name) {
  const auto found = std::find_if(presets().begin(), presets().end(),
                                  [name](const Preset& preset) { return preset.name == name; });
  return found == presets().end() ? nullptr : &*found;
}

}  // namespace llmq::config
