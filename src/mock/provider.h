// A provider's own ways: what its errors look like and which header lines it sends.
#ifndef LLMQ_MOCK_PROVIDER_H_
#define LLMQ_MOCK_PROVIDER_H_

#include <string>
#include <string_view>

#include "mock/headers.h"
#include "mock/json.h"
#include "mock/problem.h"
#include "mock/route.h"

namespace llmq::mock {

struct ErrorReply {
  int status = 400;
  std::string body;
};

// Where a stream of chat completions tells what it used.
enum class StreamUsage {
  kAsked,     // in a chunk of its own, if stream_options ask for it
  kLastText,  // in the chunk with finish_reason, unasked
  kGroq,      // there too, but under x_groq
};

struct Provider {
  const char* name = "";
  const char* id_header = "";  // carries the request id
  ErrorReply (*describe)(const Problem& problem) = nullptr;
  void (*tell_limits)(Headers& headers, const LimitNews& news) = nullptr;
  RetryLines retry = RetryLines::kNone;
  Nanos words_unit{};                  // of the wait in its errors' words; 0 if they never say it
  bool overload_tells_wait = false;    // as a refusal does
  bool never_fits_tells_wait = false;  // although no wait helps
  bool marks_retry = false;            // x-should-retry on errors
  StreamUsage stream_usage = StreamUsage::kAsked;
  const char* keep_alive = "";      // comment lines before the first event
  const char* first_chunk = "";     // an event before the first that speaks of the answer
  const char* leading_blanks = "";  // before a JSON body
  void (*add_usage)(cJSON* object, const Usage& usage) = nullptr;  // members of its own
};

// The provider whose errors and header lines belong to a call: `chosen` for the wire form that many
// share, the one that the URL names for the others.
const Provider& provider_of(const Route& route, const Provider& chosen);

// Null if there is no provider of that name.
const Provider* find_provider(std::string_view name);
// "openai, azure, ... or xai"
std::string provider_names();

extern const Provider kOpenAi;
extern const Provider kAnthropic;
extern const Provider kGemini;
extern const Provider kCohere;
extern const Provider kOllama;
extern const Provider kAzure;

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_PROVIDER_H_
