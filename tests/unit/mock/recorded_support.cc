#include "recorded_support.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "mock/service.h"
#include "wire_support.h"

namespace llmq::mock {

namespace {

const char* type_of(const cJSON* value) {
  if (cJSON_IsString(value) != 0) return "text";
  if (cJSON_IsNumber(value) != 0) return "number";
  if (cJSON_IsBool(value) != 0) return "bool";
  if (cJSON_IsNull(value) != 0) return "null";
  return cJSON_IsArray(value) != 0 ? "array" : "object";
}

// "choices[].index:number": every path with its type.
void add_shape(const cJSON* value, const std::string& path, Members& shape) {
  shape.insert(path + ":" + type_of(value));
  const cJSON* child = nullptr;
  cJSON_ArrayForEach(child, value) {
    add_shape(child, cJSON_IsArray(value) != 0 ? path + "[]" : path + "." + child->string, shape);
  }
}

// How a header line's value is written.
std::string format_of(const std::string& value) {
  if (!value.empty() && value.find_first_not_of("0123456789,") == std::string::npos) return "count";
  if (value.find_first_not_of("0123456789.hmsnu\xC2\xB5") == std::string::npos) return "duration";
  if (value.size() == 20 && value[10] == 'T' && value[19] == 'Z') return "rfc3339";
  return "word";
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return text;
}

bool is_of_limits(const std::string& name) {
  for (const char* word : {"ratelimit", "x-trial", "retry-after", "query-cost", "should-retry"}) {
    if (name.find(word) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

std::string vectors_path() {
  const char* shared = std::getenv("LLMQ_SHARED");
  const std::string folder = shared != nullptr ? shared : LLMQ_SOURCE_DIR "/../shared";
  return folder + "/vectors/provider_responses.json";
}

Members shape_of(const std::string& body) {
  Members shape;
  const Json root(cJSON_Parse(body.c_str()));
  EXPECT_NE(root, nullptr) << body;
  if (root != nullptr) add_shape(root.get(), "", shape);
  return shape;
}

Members shape_of_stream(const std::string& text) {
  Members shape;
  for (const SseEvent& event : events_of(text)) {
    if (event.data == "[DONE]") continue;
    const Json root(cJSON_Parse(event.data.c_str()));
    EXPECT_NE(root, nullptr) << event.data;
    if (root != nullptr) add_shape(root.get(), event.name, shape);
  }
  return shape;
}

std::vector<Recorded> recordings() {
  std::ifstream file(vectors_path(), std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::vector<Recorded> all;
  const Json root(cJSON_Parse(text.c_str()));
  const cJSON* vector = nullptr;
  cJSON_ArrayForEach(vector, root.get()) {
    Recorded one{text_at(vector, "id"),   text_at(vector, "provider"),
                 text_at(vector, "kind"), static_cast<int>(number_at(vector, "status")),
                 text_at(vector, "body"), {}};
    const cJSON* header = nullptr;
    cJSON_ArrayForEach(header, cJSON_GetObjectItem(vector, "headers")) {
      const std::string name = lower(header->string);
      if (cJSON_IsString(header) != 0 && is_of_limits(name)) {
        one.lines[name] = format_of(header->valuestring);
      }
    }
    all.push_back(std::move(one));
  }
  return all;
}

Heard ask(const Asked& asked) {
  Options options;
  options.provider = asked.provider;
  for (const char* limit : asked.limits) options.limits.push_back(parse_limit(limit).value());
  if (asked.fault != nullptr) options.*asked.fault = 1;
  Service service(options);
  Incoming incoming;
  incoming.method = "POST";
  incoming.path = asked.path;
  incoming.body = asked.body;
  incoming.authorization = incoming.x_api_key = incoming.x_goog_api_key = asked.key;
  incoming.anthropic_version = "2023-06-01";
  incoming.alt = "sse";
  Heard told;
  for (int i = 0; i < asked.calls; ++i) {
    const Call call = service.arrive(incoming, Nanos(0), 1'787'150'060'000);
    const Reply reply = service.answer(call, Nanos(0), 1'787'150'060'000);
    told = {reply.status, reply.body, {}};
    for (const auto& [name, value] : reply.headers) {
      if (is_of_limits(lower(name))) told.lines[lower(name)] = format_of(value);
    }
    if (call.stream == nullptr) continue;
    Stream::Step step;
    while (step.kind == Stream::Step::Kind::kData) {
      step = service.next(call, Nanos(0));
      told.body += step.data;
    }
  }
  return told;
}

}  // namespace llmq::mock
