// The events of each provider's stream: what one tells, and the whole answer that they make.
#ifndef LLMQ_PROVIDER_STREAM_WIRES_H_
#define LLMQ_PROVIDER_STREAM_WIRES_H_

#include <cstddef>
#include <string>
#include <vector>

#include "provider/fragments.h"
#include "provider/json.h"

namespace llmq::provider {

// What an event that is no error tells, beside its usage.
struct Told {
  bool output = false;        // text, a tool call or reasoning for the user
  size_t text_bytes = 0;      // of it
  const char* end = nullptr;  // the mark of the end that it is
};

// Every wire has the same three functions: take() one event, whole() the answer so far in the form
// that it has without streaming (nullptr if nothing has come), and whether usage adds up over
// events or is told anew.

// OpenAI chat completions and all that is made like them. Ends with [DONE].
class ChatStream {
 public:
  Told take(const cJSON* event);
  base::Json whole() const;

 private:
  base::Json head_;    // the members beside "choices"
  Fragments choices_;  // by index
};

// OpenAI Responses: the terminal event holds the whole.
class ResponsesStream {
 public:
  Told take(const cJSON* event);
  base::Json whole() const { return copy_of(response_.get()); }

 private:
  base::Json response_;
};

// Anthropic messages. Ends with message_stop.
class AnthropicStream {
 public:
  Told take(const cJSON* event);
  base::Json whole() const;

 private:
  void take_delta(const cJSON* event, Told& told);

  base::Json message_;
  std::vector<Fragments> blocks_;  // of content, by index
};

// Gemini generateContent: ends with the connection, and is whole if a reason to finish came.
class GeminiStream {
 public:
  Told take(const cJSON* event);
  base::Json whole() const;
  bool finished() const { return finished_; }

 private:
  struct Part {
    base::Json part;
    std::string text;  // of a part that holds text; it may grow
    bool is_text = false;
    bool is_thought = false;
  };
  struct Candidate {
    base::Json head;  // the members beside "content"
    std::string role;
    std::vector<Part> parts;
  };
  Candidate& candidate(size_t index);
  static void add_part(Candidate& to, const cJSON* part);

  base::Json head_;  // the members beside "candidates"
  std::vector<Candidate> candidates_;
  bool finished_ = false;
};

// Cohere v2/chat. Ends with message-end.
class CohereStream {
 public:
  Told take(const cJSON* event);
  base::Json whole() const;

 private:
  base::Json head_;
  Fragments message_;
};

// Ollama api/chat: lines; the last says "done": true.
class OllamaStream {
 public:
  Told take(const cJSON* event);
  base::Json whole() const;

 private:
  base::Json head_;  // the members beside "message", as last told
  Fragments message_;
};

}  // namespace llmq::provider

#endif  // LLMQ_PROVIDER_STREAM_WIRES_H_
