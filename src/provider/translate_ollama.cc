// Neutral chat and embeddings -> Ollama's own API.
#include <map>

#include "provider/translate.h"

namespace llmq::provider {
namespace {

// The names of functions by the ids of their calls: results name the function here.
using CallNames = std::map<std::string, std::string_view, std::less<>>;

// Text of all parts in one string, images beside it.
void add_content(const Message& message, ObjectText& made, Fault& fault) {
  std::string text;
  ArrayText images;
  for (const ContentPart& part : content_parts(message.content, message.where, fault)) {
    if (part.kind == ContentPart::Kind::kText) {
      text += decoded(part.text);
    } else if (part.kind == ContentPart::Kind::kImage && part.url.empty()) {
      images.raw(encoded(part.data));
    } else {
      fault.cannot_say(message.where + ".content that is neither text nor an image as data: URL");
    }
  }
  if (kind_of(message.content) == RawKind::kString) {
    made.raw("content", message.content);
  } else {
    made.text("content", text);
  }
  if (!images.empty()) made.raw("images", images.done());
}

std::string message_text(const Message& message, CallNames& names, Fault& fault) {
  ObjectText made;
  made.text("role", message.role);
  add_content(message, made, fault);
  if (message.role == "tool") {
    const auto name = names.find(decoded(message.tool_call_id));
    if (name == names.end()) {
      fault.malformed(message.where + ".tool_call_id", "the id of a tool call that stands before");
    } else {
      made.raw("tool_name", name->second);
    }
  }
  ArrayText calls;
  for (const ToolCall& call : message.tool_calls) {
    names[decoded(call.id)] = call.name;
    calls.raw(ObjectText()
                  .raw("function",
                       ObjectText().raw("name", call.name).raw("arguments", call.arguments).done())
                  .done());
  }
  if (!calls.empty()) made.raw("tool_calls", calls.done());
  return made.done();
}

void add_response_format(std::string_view format, ObjectText& out, Fault& fault) {
  const std::string type = decoded(raw_member(format, "type"));
  if (type == "json_object") {
    out.text("format", "json");
  } else if (type == "json_schema") {
    const std::string_view schema = raw_member(raw_member(format, "json_schema"), "schema");
    if (kind_of(schema) != RawKind::kObject) {
      return fault.malformed("response_format.json_schema.schema", "an object");
    }
    out.raw("format", schema);
  } else {
    fault.cannot_say("response_format of type " + type);
  }
}

}  // namespace

// The server streams unless it is told not to.
std::string ollama_chat(std::string_view body, std::string_view model, bool stream, Fault& fault) {
  ObjectText out;
  ObjectText options;
  CallNames names;
  out.text("model", model).raw("stream", stream ? "true" : "false");
  ArrayText messages;
  for (const Message& message : messages_of(raw_member(body, "messages"), fault)) {
    messages.raw(message_text(message, names, fault));
  }
  out.raw("messages", messages.done());
  if (const std::string_view most = most_output(body); !most.empty()) {
    options.raw("num_predict", most);
  }
  for (const RawMember& member : raw_members(body)) {
    const std::string_view name = member.name;
    if (is_placed_apart(name)) continue;
    if (copy_renamed(member,
                     {{"temperature", "temperature"},
                      {"top_p", "top_p"},
                      {"seed", "seed"},
                      {"presence_penalty", "presence_penalty"},
                      {"frequency_penalty", "frequency_penalty"}},
                     options) ||
        asks_for_nothing(member)) {
      continue;
    }
    if (name == "stop") {
      options.raw("stop", list_of_strings(member.value, name, fault));
    } else if (name == "response_format") {
      add_response_format(member.value, out, fault);
    } else if (name == "tools") {
      tools_of(member.value, fault);  // the same form, if it is one of functions
      out.raw("tools", member.value);
    } else if (name != "tool_choice" || decoded(member.value) != "auto") {
      fault.cannot_say(name);
    }
  }
  if (!options.empty()) out.raw("options", options.done());
  return out.done();
}

std::string ollama_embeddings(std::string_view body, std::string_view model, Fault& fault) {
  ObjectText out;
  out.text("model", model);
  out.raw("input", list_of_strings(raw_member(body, "input"), "input", fault));
  for (const RawMember& member : raw_members(body)) {
    if (member.value == "null") continue;  // not said
    if (member.name == "dimensions") {
      out.raw("dimensions", member.value);
    } else if (member.name == "encoding_format") {
      if (member.value != "\"float\"") fault.cannot_say("encoding_format other than float");
    } else if (member.name != "model" && member.name != "input" && !asks_for_nothing(member)) {
      fault.cannot_say(member.name);
    }
  }
  return out.done();
}

}  // namespace llmq::provider
