// Neutral chat -> Gemini's generateContent, embeddings -> batchEmbedContents.
#include <map>

#include "provider/json.h"
#include "provider/translate.h"

namespace llmq::provider {
namespace {

// The names of functions by the ids of their calls: results name the function here.
using CallNames = std::map<std::string, std::string_view, std::less<>>;

std::string text_part(std::string_view text) { return ObjectText().raw("text", text).done(); }

std::string data_part(const ContentPart& part) {
  return ObjectText()
      .raw("inlineData",
           ObjectText().text("mimeType", part.media_type).text("data", part.data).done())
      .done();
}

void add_parts(const Message& message, ArrayText& parts, Fault& fault) {
  for (const ContentPart& part : content_parts(message.content, message.where, fault)) {
    if (part.kind == ContentPart::Kind::kText) {
      parts.raw(text_part(part.text));
    } else if (!part.url.empty()) {
      fault.cannot_say(message.where + ".content with the address of an image",
                       "it takes images as data: URLs");
    } else {
      parts.raw(data_part(part));
    }
  }
}

void add_function_calls(const Message& message, ArrayText& parts, CallNames& names) {
  for (const ToolCall& call : message.tool_calls) {
    names[decoded(call.id)] = call.name;
    parts.raw(ObjectText()
                  .raw("functionCall",
                       ObjectText().raw("name", call.name).raw("args", call.arguments).done())
                  .done());
  }
}

// A response is an object: any other text becomes a member of one.
std::string response_of(const Message& message, Fault& fault) {
  std::string text;
  for (const ContentPart& part : content_parts(message.content, message.where, fault)) {
    if (part.kind != ContentPart::Kind::kText) {
      fault.cannot_say(message.where + ".content that is not text");
    }
    text += decoded(part.text);
  }
  const ParsedJson parsed = parse_json(text);
  if (cJSON_IsObject(parsed.value.get()) != 0 && parsed.stopped == text.size()) return text;
  return ObjectText().text("result", text).done();
}

std::string function_response(const Message& message, const CallNames& names, Fault& fault) {
  const auto name = names.find(decoded(message.tool_call_id));
  if (name == names.end()) {
    fault.malformed(message.where + ".tool_call_id", "the id of a tool call that stands before");
    return {};
  }
  return ObjectText()
      .raw("functionResponse", ObjectText()
                                   .raw("name", name->second)
                                   .raw("response", response_of(message, fault))
                                   .done())
      .done();
}

void add_turn(std::string_view role, ArrayText& parts, ArrayText& contents) {
  if (parts.empty()) return;
  contents.raw(ObjectText().text("role", role).raw("parts", parts.done()).done());
  parts = ArrayText();
}

void add_contents(std::string_view messages, ObjectText& out, Fault& fault) {
  ArrayText system;
  ArrayText contents;
  ArrayText results;
  CallNames names;
  for (const Message& message : messages_of(messages, fault)) {
    if (message.role == "tool") {
      results.raw(function_response(message, names, fault));
      continue;
    }
    add_turn("user", results, contents);
    if (message.role == "system") {
      add_parts(message, system, fault);
      continue;
    }
    ArrayText parts;
    add_parts(message, parts, fault);
    add_function_calls(message, parts, names);
    add_turn(message.role == "assistant" ? "model" : "user", parts, contents);
  }
  add_turn("user", results, contents);
  if (!system.empty()) {
    out.raw("systemInstruction", ObjectText().raw("parts", system.done()).done());
  }
  out.raw("contents", contents.done());
}

void add_tools(std::string_view tools, ObjectText& out, Fault& fault) {
  ArrayText list;
  for (const Tool& tool : tools_of(tools, fault)) {
    ObjectText made;
    made.raw("name", tool.name);
    if (!tool.description.empty()) made.raw("description", tool.description);
    if (!tool.parameters.empty()) made.raw("parametersJsonSchema", tool.parameters);
    list.raw(made.done());
  }
  const std::string declared = ObjectText().raw("functionDeclarations", list.done()).done();
  out.raw("tools", "[" + declared + "]");
}

void add_tool_choice(std::string_view given, ObjectText& out, Fault& fault) {
  const ToolChoice choice = tool_choice_of(given, fault);
  ObjectText made;
  if (choice.name.empty()) {
    made.text("mode", choice.word == "none" ? "NONE" : choice.word == "auto" ? "AUTO" : "ANY");
  } else {
    made.text("mode", "ANY").raw("allowedFunctionNames", "[" + std::string(choice.name) + "]");
  }
  out.raw("toolConfig", ObjectText().raw("functionCallingConfig", made.done()).done());
}

void add_response_format(std::string_view format, ObjectText& generation, Fault& fault) {
  const std::string type = decoded(raw_member(format, "type"));
  if (type != "json_object" && type != "json_schema") {
    return fault.cannot_say("response_format of type " + type);
  }
  generation.text("responseMimeType", "application/json");
  if (type == "json_object") return;
  const std::string_view schema = raw_member(raw_member(format, "json_schema"), "schema");
  if (kind_of(schema) != RawKind::kObject) {
    return fault.malformed("response_format.json_schema.schema", "an object");
  }
  generation.raw("responseJsonSchema", schema);
}

}  // namespace

std::string gemini_chat(std::string_view body, Fault& fault) {
  ObjectText out;
  ObjectText generation;
  add_contents(raw_member(body, "messages"), out, fault);
  if (const std::string_view most = most_output(body); !most.empty()) {
    generation.raw("maxOutputTokens", most);
  }
  for (const RawMember& member : raw_members(body)) {
    const std::string_view name = member.name;
    if (is_placed_apart(name)) continue;
    if (copy_renamed(member,
                     {{"temperature", "temperature"},
                      {"top_p", "topP"},
                      {"n", "candidateCount"},
                      {"seed", "seed"},
                      {"presence_penalty", "presencePenalty"},
                      {"frequency_penalty", "frequencyPenalty"},
                      {"logprobs", "responseLogprobs"},
                      {"top_logprobs", "logprobs"}},
                     generation) ||
        asks_for_nothing(member)) {
      continue;
    }
    if (name == "stop") {
      generation.raw("stopSequences", list_of_strings(member.value, name, fault));
    } else if (name == "response_format") {
      add_response_format(member.value, generation, fault);
    } else if (name == "tools") {
      add_tools(member.value, out, fault);
    } else if (name == "tool_choice") {
      add_tool_choice(member.value, out, fault);
    } else {
      fault.cannot_say(name);
    }
  }
  if (!generation.empty()) out.raw("generationConfig", generation.done());
  return out.done();
}

std::string gemini_embeddings(std::string_view body, std::string_view model, Fault& fault) {
  const std::string texts = list_of_strings(raw_member(body, "input"), "input", fault);
  std::string_view dimensions;
  for (const RawMember& member : raw_members(body)) {
    if (member.value == "null") continue;  // not said
    if (member.name == "dimensions") {
      dimensions = member.value;
    } else if (member.name == "encoding_format") {
      if (member.value != "\"float\"") fault.cannot_say("encoding_format other than float");
    } else if (member.name != "model" && member.name != "input" && !asks_for_nothing(member)) {
      fault.cannot_say(member.name);
    }
  }
  ArrayText requests;
  for (const std::string_view text : raw_items(texts)) {
    ObjectText request;
    request.text("model", model)
        .raw("content", ObjectText().raw("parts", "[" + text_part(text) + "]").done());
    if (!dimensions.empty()) request.raw("outputDimensionality", dimensions);
    requests.raw(request.done());
  }
  return ObjectText().raw("requests", requests.done()).done();
}

}  // namespace llmq::provider
