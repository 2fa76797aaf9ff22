#include "cli/presets.h"

#include <cjson/cJSON.h>

#include <cstdio>

#include "base/json.h"
#include "cli/failure.h"
#include "cli/handles.h"

namespace llmq::cli {
namespace {

const char* text_of(const cJSON* object, const char* name) {
  const cJSON* const value = cJSON_GetObjectItemCaseSensitive(object, name);
  return cJSON_IsString(value) != 0 ? value->valuestring : "";
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
    const cJSON* model = nullptr;
    cJSON_ArrayForEach(model, cJSON_GetObjectItemCaseSensitive(preset, "models")) {
      std::printf("  %-28s %s\n", text_of(model, "model"), text_of(model, "limits"));
    }
  }
  return kExitOk;
}

}  // namespace llmq::cli
