// The neutral form of a request, OpenAI's chat completions body, taken apart for wires of another
// form. What such a wire cannot express is refused by name: nothing that a caller asks for is
// dropped in silence, but for what docs/providers.md lists as without effect on the answer.
#ifndef LLMQ_PROVIDER_NEUTRAL_H_
#define LLMQ_PROVIDER_NEUTRAL_H_

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "provider/raw_json.h"

namespace llmq::provider {

// The first thing that is wrong with a body, or that the wire cannot express.
class Fault {
 public:
  explicit Fault(std::string_view provider) : provider_(provider) {}

  // "messages[2].name" and the like.
  void cannot_say(std::string_view member, std::string_view why = "");
  void malformed(std::string_view member, std::string_view expected);
  const std::optional<core::Error>& error() const { return error_; }

 private:
  std::string provider_;
  std::optional<core::Error> error_;
};

struct ContentPart {
  enum class Kind : uint8_t { kText, kImage, kAudio, kFile };
  Kind kind = Kind::kText;
  std::string_view text;  // a JSON string
  std::string url;        // of an image that is named, not sent
  std::string media_type;
  std::string data;  // in base64
};
// A string is one part of text. Missing content has no parts.
std::vector<ContentPart> content_parts(std::string_view content, const std::string& where,
                                       Fault& fault);

struct ToolCall {
  std::string_view id;    // a JSON string
  std::string_view name;  // a JSON string
  std::string arguments;  // a JSON object
};

struct Message {
  std::string where;  // "messages[2]"
  std::string role;   // system (developer too), user, assistant or tool
  std::string_view content;
  std::string_view tool_call_id;  // a JSON string; of a tool's result
  std::vector<ToolCall> tool_calls;
};
std::vector<Message> messages_of(std::string_view messages, Fault& fault);

// A tool of type function; the values are JSON, "" if missing.
struct Tool {
  std::string_view name;
  std::string_view description;
  std::string_view parameters;
};
std::vector<Tool> tools_of(std::string_view tools, Fault& fault);

// "auto", "none" and "required", or the name of one function as a JSON string.
struct ToolChoice {
  std::string word;
  std::string_view name;
};
ToolChoice tool_choice_of(std::string_view choice, Fault& fault);

// A JSON string or an array of strings as an array.
std::string list_of_strings(std::string_view value, std::string_view member, Fault& fault);

// Does the member ask for nothing: a value that is the default, or one that does not change the
// answer?
bool asks_for_nothing(const RawMember& member);

// Members that every translation places itself: the model, the messages, the bound of the output,
// whether it is streamed.
bool is_placed_apart(std::string_view name);

// max_completion_tokens, else max_tokens; "" if neither is given.
std::string_view most_output(std::string_view body);

// How a member is called on the wire, where its value stays as it is.
struct Renamed {
  std::string_view neutral;
  std::string_view native;
};
bool copy_renamed(const RawMember& member, std::initializer_list<Renamed> table, ObjectText& out);

}  // namespace llmq::provider

#endif  // LLMQ_PROVIDER_NEUTRAL_H_
