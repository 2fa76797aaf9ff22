// Neutral chat and embeddings -> Cohere's v2 API, whose messages have nearly the same form.
#include "provider/translate.h"

namespace llmq::provider {
namespace {

// The API asks what texts are for; documents are what most are embedded as. A body may say it
// itself.
constexpr std::string_view kDefaultInputType = "\"search_document\"";

std::string parts_text(const Message& message, Fault& fault) {
  if (kind_of(message.content) == RawKind::kString) return std::string(message.content);
  ArrayText parts;
  for (const ContentPart& part : content_parts(message.content, message.where, fault)) {
    if (part.kind == ContentPart::Kind::kText) {
      parts.raw(ObjectText().text("type", "text").raw("text", part.text).done());
    } else if (part.kind == ContentPart::Kind::kImage) {
      const std::string url =
          part.url.empty() ? "data:" + part.media_type + ";base64," + part.data : part.url;
      parts.raw(ObjectText()
                    .text("type", "image_url")
                    .raw("image_url", ObjectText().text("url", url).done())
                    .done());
    } else {
      fault.cannot_say(message.where + ".content that is neither text nor image");
    }
  }
  return parts.done();
}

std::string calls_text(const Message& message) {
  ArrayText calls;
  for (const ToolCall& call : message.tool_calls) {
    calls.raw(ObjectText()
                  .raw("id", call.id)
                  .text("type", "function")
                  .raw("function",
                       ObjectText().raw("name", call.name).text("arguments", call.arguments).done())
                  .done());
  }
  return calls.done();
}

std::string message_text(const Message& message, Fault& fault) {
  ObjectText made;
  made.text("role", message.role);
  if (!message.tool_call_id.empty()) made.raw("tool_call_id", message.tool_call_id);
  if (!message.content.empty()) made.raw("content", parts_text(message, fault));
  if (!message.tool_calls.empty()) made.raw("tool_calls", calls_text(message));
  return made.done();
}

void add_response_format(std::string_view format, ObjectText& out, Fault& fault) {
  const std::string type = decoded(raw_member(format, "type"));
  ObjectText made;
  made.text("type", "json_object");
  if (type == "json_schema") {
    const std::string_view schema = raw_member(raw_member(format, "json_schema"), "schema");
    if (kind_of(schema) != RawKind::kObject) {
      return fault.malformed("response_format.json_schema.schema", "an object");
    }
    made.raw("json_schema", schema);
  } else if (type != "json_object") {
    return fault.cannot_say("response_format of type " + type);
  }
  out.raw("response_format", made.done());
}

// One function cannot be forced here, and "auto" is what happens without a word.
void add_tool_choice(std::string_view given, ObjectText& out, Fault& fault) {
  const ToolChoice choice = tool_choice_of(given, fault);
  if (!choice.name.empty()) return fault.cannot_say("tool_choice of one function");
  if (choice.word == "none") out.text("tool_choice", "NONE");
  if (choice.word == "required") out.text("tool_choice", "REQUIRED");
}

}  // namespace

std::string cohere_chat(std::string_view body, std::string_view model, bool stream, Fault& fault) {
  ObjectText out;
  out.text("model", model).raw("stream", stream ? "true" : "false");
  ArrayText messages;
  for (const Message& message : messages_of(raw_member(body, "messages"), fault)) {
    messages.raw(message_text(message, fault));
  }
  out.raw("messages", messages.done());
  if (const std::string_view most = most_output(body); !most.empty()) out.raw("max_tokens", most);
  for (const RawMember& member : raw_members(body)) {
    const std::string_view name = member.name;
    if (is_placed_apart(name)) continue;
    if (copy_renamed(member,
                     {{"temperature", "temperature"},
                      {"top_p", "p"},
                      {"seed", "seed"},
                      {"presence_penalty", "presence_penalty"},
                      {"frequency_penalty", "frequency_penalty"},
                      {"logprobs", "logprobs"}},
                     out) ||
        asks_for_nothing(member)) {
      continue;
    }
    if (name == "stop") {
      out.raw("stop_sequences", list_of_strings(member.value, name, fault));
    } else if (name == "response_format") {
      add_response_format(member.value, out, fault);
    } else if (name == "tools") {
      tools_of(member.value, fault);  // the same form, if it is one of functions
      out.raw("tools", member.value);
    } else if (name == "tool_choice") {
      add_tool_choice(member.value, out, fault);
    } else {
      fault.cannot_say(name);
    }
  }
  return out.done();
}

std::string cohere_embeddings(std::string_view body, std::string_view model, Fault& fault) {
  ObjectText out;
  out.text("model", model);
  out.raw("texts", list_of_strings(raw_member(body, "input"), "input", fault));
  const std::string_view type = raw_member(body, "input_type");
  out.raw("input_type", type.empty() ? kDefaultInputType : type);
  std::string_view encoding = "\"float\"";
  for (const RawMember& member : raw_members(body)) {
    if (member.value == "null") continue;  // not said
    if (member.name == "dimensions") {
      out.raw("output_dimension", member.value);
    } else if (member.name == "encoding_format") {
      encoding = member.value;
    } else if (member.name != "model" && member.name != "input" && member.name != "input_type" &&
               !asks_for_nothing(member)) {
      fault.cannot_say(member.name);
    }
  }
  if (encoding != "\"float\"" && encoding != "\"base64\"") {
    fault.malformed("encoding_format", "float or base64");
  }
  out.raw("embedding_types", "[" + std::string(encoding) + "]");
  return out.done();
}

}  // namespace llmq::provider
