#include "wire_support.h"

#include <gtest/gtest.h>

#include "mock/stream.h"

namespace llmq::mock {

std::vector<SseEvent> events_of(std::string_view text) {
  std::vector<SseEvent> events;
  SseEvent event;
  bool is_open = false;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    EXPECT_NE(end, std::string_view::npos) << "a line without end: " << text;
    if (end == std::string_view::npos) break;
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (line.empty()) {
      if (is_open) events.push_back(event);
      event = {};
      is_open = false;
    } else if (line.substr(0, 7) == "event: ") {
      event.name = line.substr(7);
      is_open = true;
    } else if (line.substr(0, 6) == "data: ") {
      event.data += line.substr(6);
      is_open = true;
    } else {
      EXPECT_EQ(line[0], ':') << "neither event, data nor a comment: " << line;
    }
  }
  EXPECT_FALSE(is_open) << "the last event has no blank line";
  return events;
}

Route route_to(Endpoint endpoint) {
  Route route;
  route.endpoint = endpoint;
  return route;
}

ApiRequest read_request(const Route& route, const std::string& body) {
  ParsedRequest parsed = parse_request(route, body);
  EXPECT_FALSE(parsed.problem) << parsed.problem->message;
  return parsed.request;
}

std::string stream_text(const Answer& answer, const Provider& provider, int64_t piece) {
  StreamPlan plan;
  plan.piece_tokens = piece;
  Stream stream(answer, provider, plan);
  std::string text;
  while (true) {
    const Stream::Step step = stream.next(Nanos(0));
    text += step.data;
    if (step.kind == Stream::Step::Kind::kEnd) return text;
    EXPECT_EQ(step.kind, Stream::Step::Kind::kData);
  }
}

std::string text_at(const cJSON* object, const char* key) {
  const cJSON* value = cJSON_GetObjectItemCaseSensitive(object, key);
  return cJSON_IsString(value) ? value->valuestring : "";
}

double number_at(const cJSON* object, const char* key) {
  return cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

}  // namespace llmq::mock
