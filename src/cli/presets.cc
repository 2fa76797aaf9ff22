#include "cli/presets.h"

#include <cjson/cJSON.h>

#include <cstdio>
#include <string>

#include "base/json.h"
#include "cli/failure.h"
#include "cli/handles.h"

namespace llmq::cli {
namespace {

const char* text_of(const cJSON* object, const char* name) {
  const cJSON* const value = cJSON_GetObjectItemCaseSensitive(object, name);
  return cJSON_IsString(value) != 0 ? value->valuestring : "";
}

// ", per million tokens: 2.50 in, 1.25 cached, 10 out"
std::string prices_of(const cJSON* model) {
  struct Price {
    const char* key;
    const char* what;
  };
  std::string text;
  for (const Price& price : {Price{"price_input", " in"}, Price{"price_cached_input", " cached"},
                             Price{"price_output", " out"}}) {
    const std::string value = text_of(model, price.key);
    if (value.empty()) continue;
    text += (text.empty() ? "; per million tokens: " : ", ") + value + price.what;
  }
  return text;
}

}  // namespace

int list_presets() {
  char* json = nullptr;
  expect_ok(llmq_conf_presets_json(&json));
  const Text own(json);
  const base::Json document(cJSON_Parse(json));
  const cJSON* preset = nullptr;
  cJSON_ArrayForEach(preset, document.get()) {
    std::printf("%s (as of %s)\n  %s\n", text_of(preset, "preset"), text_of(preset, "as_of"),
                text_of(preset, "source"));
    const char* const prices_as_of = text_of(preset, "prices_as_of");
    if (*prices_as_of != '\0') {
      std::printf("  prices as of %s: %s\n", prices_as_of, text_of(preset, "prices_source"));
    }
    const cJSON* model = nullptr;
    cJSON_ArrayForEach(model, cJSON_GetObjectItemCaseSensitive(preset, "models")) {
      std::printf("  %-28s %s%s\n", text_of(model, "model"), text_of(model, "limits"),
                  prices_of(model).c_str());
    }
  }
  return kExitOk;
}

}  // namespace llmq::cli
