// What the tests of the wire forms share. None of it is used by the mock or the library: a stream
// is read here by its text alone.
#ifndef LLMQ_TESTS_UNIT_MOCK_WIRE_SUPPORT_H_
#define LLMQ_TESTS_UNIT_MOCK_WIRE_SUPPORT_H_

#include <string>
#include <string_view>
#include <vector>

#include "mock/answer.h"
#include "mock/json.h"
#include "mock/provider.h"
#include "mock/request.h"
#include "mock/route.h"

namespace llmq::mock {

struct SseEvent {
  std::string name;  // "" without an event line
  std::string data;
};

// The events of a whole text. Fails the test if a line is neither event, data nor a comment, or if
// the text does not end with a blank line.
std::vector<SseEvent> events_of(std::string_view text);

Route route_to(Endpoint endpoint);

// The request that a body makes. Fails the test if it makes none.
ApiRequest read_request(const Route& route, const std::string& body);

// All that is streamed of an answer, in events of `piece` tokens.
std::string stream_text(const Answer& answer, const Provider& provider, int64_t piece = 4);

std::string text_at(const cJSON* object, const char* key);
double number_at(const cJSON* object, const char* key);

}  // namespace llmq::mock

#endif  // LLMQ_TESTS_UNIT_MOCK_WIRE_SUPPORT_H_
