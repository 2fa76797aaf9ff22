#include "provider/explain_input.h"

#include <cmath>
#include <string>
#include <utility>

#include "provider/date.h"
#include "provider/headers.h"
#include "provider/json.h"
#include "provider/text.h"

namespace llmq::provider {
namespace {

constexpr size_t kMostShownBytes = 64;
constexpr double kMostUnixMs = 9e15;

core::Error wrong(const char* key, std::string message) {
  return {core::Status::kInvalidValue, std::move(message), key};
}

const char* kind_of(const cJSON* value) {
  if (value == nullptr) return "missing";
  if (cJSON_IsString(value) != 0) return "a string";
  if (cJSON_IsNumber(value) != 0) return "a number";
  if (cJSON_IsObject(value) != 0) return "an object";
  if (cJSON_IsArray(value) != 0) return "an array";
  return cJSON_IsNull(value) != 0 ? "null" : "true or false";
}

// "" if the headers were read, else what is wrong with them.
std::string read_headers(const cJSON* headers, std::vector<Header>& to) {
  if (headers == nullptr || cJSON_IsNull(headers) != 0) return "";
  if (cJSON_IsObject(headers) == 0) {
    return std::string("headers is ") + kind_of(headers) + ", must be an object";
  }
  const cJSON* header = nullptr;
  cJSON_ArrayForEach(header, headers) {
    const cJSON* const first = cJSON_IsArray(header) != 0 ? header->child : header;
    for (const cJSON* value = first; value != nullptr; value = value->next) {
      if (cJSON_IsString(value) == 0) {
        return "header \"" + presentable(header->string, kMostShownBytes) + "\" is " +
               kind_of(value) + ", must be a string or an array of strings";
      }
      to.emplace_back(header->string, value->valuestring);
      if (first == header) break;
    }
  }
  return "";
}

std::string body_text(const cJSON* body) {
  if (body == nullptr || cJSON_IsNull(body) != 0) return "";
  return cJSON_IsString(body) != 0 ? body->valuestring : base::json_text(body);
}

// The clock of the recording: as given, else that of the server.
int64_t clock_of(const cJSON* now, const std::vector<Header>& headers) {
  if (now != nullptr && cJSON_IsNumber(now) != 0) return static_cast<int64_t>(now->valuedouble);
  return read_http_date(header_of(headers, "date")).value_or(0);
}

bool begins_with(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

// The first event tells whose stream it is, for many servers speak more than one wire.
StreamWire wire_of(std::string_view body, const Profile& profile) {
  std::vector<SseEvent> events;
  SseReader reader;
  reader.feed(body, events);
  reader.finish(events);
  for (const SseEvent& event : events) {
    const ParsedJson parsed = parse_json(event.data);
    const cJSON* const json = parsed.value.get();
    const std::string_view type = text_member(json, "type");
    if (member(json, "choices") != nullptr) return StreamWire::kChat;
    if (member(json, "candidates") != nullptr) return StreamWire::kGemini;
    if (begins_with(type, "response.")) return StreamWire::kResponses;
    if (type == "message-start") return StreamWire::kCohere;
    if (type == "message_start") return StreamWire::kAnthropic;
  }
  const StreamWire usual = stream_wire(profile, Operation::kChat);
  return usual == StreamWire::kOllama ? StreamWire::kChat : usual;
}

// Only a success is a stream: errors come whole.
std::optional<StreamWire> stream_of(const WireResponse& response, const Profile& profile) {
  if (response.http_status < 200 || response.http_status > 299) return std::nullopt;
  const std::string_view body = trimmed(response.body);
  const std::string_view type = header_of(response.headers, "content-type");
  for (const std::string_view field : {"data:", "event:", "id:", "retry:", ":", "\xEF\xBB\xBF"}) {
    if (begins_with(body, field)) return wire_of(body, profile);
  }
  if (contains_ignoring_case(type, "text/event-stream")) return wire_of(body, profile);
  if (body.empty()) return std::nullopt;
  const ParsedJson first = parse_json(body);
  const cJSON* const json = first.value.get();
  // Gemini without alt=sse: a list; Ollama: lines, of which the last says that it is done.
  if (cJSON_IsArray(json) != 0 && member(json->child, "candidates") != nullptr) {
    return StreamWire::kGemini;
  }
  const bool line = cJSON_IsFalse(member(json, "done")) != 0 ||
                    (cJSON_IsTrue(member(json, "done")) != 0 && first.stopped < body.size());
  if (line || contains_ignoring_case(type, "ndjson")) return StreamWire::kOllama;
  return std::nullopt;
}

bool is_embeddings(const cJSON* body) {
  return text_member(body, "object") == "list" || member(body, "embedding") != nullptr ||
         member(body, "embeddings") != nullptr;
}

}  // namespace

core::Result<ExplainInput> read_explain_input(std::string_view provider, std::string_view line) {
  const ParsedJson parsed = parse_json(line);
  const cJSON* const object = parsed.value.get();
  if (cJSON_IsObject(object) == 0 || parsed.stopped < line.size()) {
    return wrong("line", object == nullptr ? "not JSON at byte " + std::to_string(parsed.stopped)
                                           : std::string("not one JSON object"));
  }
  const cJSON* const named = member(object, "provider");
  if (named != nullptr && cJSON_IsString(named) == 0) {
    return wrong("provider", std::string("provider is ") + kind_of(named) + ", must be a string");
  }
  const std::string_view name = named == nullptr ? provider : text_member(object, "provider");
  if (name.empty()) return wrong("provider", "no provider is named");
  ExplainInput input;
  input.profile = find_profile(name);
  if (input.profile == nullptr) {
    return wrong("provider", "unknown provider \"" + presentable(name, kMostShownBytes) + "\"");
  }
  const cJSON* const status = member(object, "status");
  const double number = cJSON_IsNumber(status) != 0 ? status->valuedouble : 0;
  if (cJSON_IsNumber(status) == 0) {
    return wrong("status", std::string("status is ") + kind_of(status) + ", must be a number");
  }
  if (number < 100 || number > 599 || std::floor(number) != number) {
    return wrong("status", "status must be a whole number from 100 to 599");
  }
  input.response.http_status = static_cast<int>(number);
  const std::string bad_header = read_headers(member(object, "headers"), input.response.headers);
  if (!bad_header.empty()) return wrong("headers", bad_header);
  const cJSON* const now = member(object, "now_unix_ms");
  const bool clock = now == nullptr || cJSON_IsNull(now) != 0 ||
                     (cJSON_IsNumber(now) != 0 && std::abs(now->valuedouble) < kMostUnixMs);
  if (!clock) return wrong("now_unix_ms", "now_unix_ms must be a number of milliseconds");
  input.response.body = body_text(member(object, "body"));
  input.now_unix_ms = clock_of(now, input.response.headers);
  input.stream = stream_of(input.response, *input.profile);
  if (!input.stream && is_embeddings(parse_json(input.response.body).value.get())) {
    input.operation = Operation::kEmbeddings;
  }
  return input;
}

}  // namespace llmq::provider
