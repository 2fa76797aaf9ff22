#include "mock/request.h"

#include <algorithm>

#include "mock/request_json.h"
#include "mock/utf8.h"
#include "mock/wire.h"

namespace llmq::mock {

namespace {

std::optional<Problem> read_request(std::string_view body, ApiRequest& request) {
  if (!is_utf8(body)) return bad_request("The body is not valid UTF-8.");
  const char* end = nullptr;
  const Json root(cJSON_ParseWithLengthOpts(body.data(), body.size(), &end, 0));
  if (root == nullptr || !is_json_space(body.substr(static_cast<size_t>(end - body.data())))) {
    return bad_request("We could not parse the JSON body of your request.");
  }
  if (!cJSON_IsObject(root.get())) return bad_request("The body must be a JSON object.");
  if (request.model.empty()) {
    const cJSON* model = json_member(root.get(), "model");
    if (!cJSON_IsString(model) || model->valuestring[0] == '\0') {
      return bad_request("you must provide a model parameter", "model");
    }
    request.model = model->valuestring;
  }
  return wire_of(request.endpoint).read(root.get(), request);
}

}  // namespace

Demand ApiRequest::demand() const {
  if (!has_output()) return {input_tokens, 0};
  const int64_t output = max_tokens.value_or(kAssumedMaxTokens) * choices;
  return {input_tokens, std::min(output, kMaxTokensPerCall)};
}

ParsedRequest parse_request(const Route& route, std::string_view body) {
  ParsedRequest parsed;
  parsed.request.endpoint = route.endpoint;
  parsed.request.model = route.model;
  parsed.problem = read_request(body, parsed.request);
  if (route.stream) parsed.request.stream = true;
  return parsed;
}

}  // namespace llmq::mock
