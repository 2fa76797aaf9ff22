#include "mock/models.h"

#include "mock/json.h"

namespace llmq::mock {

bool is_models_path(std::string_view path) { return path == "/v1/models" || path == "/models"; }

std::string models_body() {
  const Json root(cJSON_CreateObject());
  cJSON_AddStringToObject(root.get(), "object", "list");
  cJSON* model = cJSON_CreateObject();
  cJSON_AddItemToArray(cJSON_AddArrayToObject(root.get(), "data"), model);
  cJSON_AddStringToObject(model, "id", "mock");
  cJSON_AddStringToObject(model, "object", "model");
  add_int(model, "created", 0);
  cJSON_AddStringToObject(model, "owned_by", "llmq");
  return print_json(root);
}

}  // namespace llmq::mock
