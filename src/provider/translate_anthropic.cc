// Neutral chat -> Anthropic's messages.
#include "provider/translate.h"

namespace llmq::provider {
namespace {

// The API refuses a call that does not say it.
constexpr std::string_view kDefaultMaxTokens = "4096";

std::string text_block(std::string_view text) {
  return ObjectText().raw("type", "\"text\"").raw("text", text).done();
}

std::string source_of(const ContentPart& part) {
  if (!part.url.empty()) return ObjectText().text("type", "url").text("url", part.url).done();
  return ObjectText()
      .text("type", "base64")
      .text("media_type", part.media_type)
      .text("data", part.data)
      .done();
}

void add_blocks(const Message& message, ArrayText& blocks, Fault& fault) {
  for (const ContentPart& part : content_parts(message.content, message.where, fault)) {
    switch (part.kind) {
      case ContentPart::Kind::kText:
        blocks.raw(text_block(part.text));
        break;
      case ContentPart::Kind::kImage:
        blocks.raw(ObjectText().text("type", "image").raw("source", source_of(part)).done());
        break;
      case ContentPart::Kind::kFile:
        blocks.raw(ObjectText().text("type", "document").raw("source", source_of(part)).done());
        break;
      case ContentPart::Kind::kAudio:
        fault.cannot_say(message.where + ".content of type input_audio");
        break;
    }
  }
}

void add_tool_uses(const Message& message, ArrayText& blocks) {
  for (const ToolCall& call : message.tool_calls) {
    blocks.raw(ObjectText()
                   .text("type", "tool_use")
                   .raw("id", call.id)
                   .raw("name", call.name)
                   .raw("input", call.arguments)
                   .done());
  }
}

std::string tool_result(const Message& message, Fault& fault) {
  ArrayText parts;
  add_blocks(message, parts, fault);
  ObjectText result;
  result.text("type", "tool_result").raw("tool_use_id", message.tool_call_id);
  if (!parts.empty()) result.raw("content", parts.done());
  return result.done();
}

void add_turn(std::string_view role, ArrayText& blocks, ArrayText& turns) {
  if (blocks.empty()) return;
  turns.raw(ObjectText().text("role", role).raw("content", blocks.done()).done());
  blocks = ArrayText();
}

// Results of tools that were called together must come in one turn.
void add_messages(std::string_view messages, ObjectText& out, Fault& fault) {
  ArrayText system;
  ArrayText turns;
  ArrayText results;
  for (const Message& message : messages_of(messages, fault)) {
    if (message.role == "tool") {
      results.raw(tool_result(message, fault));
      continue;
    }
    add_turn("user", results, turns);
    if (message.role == "system") {
      add_blocks(message, system, fault);
      continue;
    }
    ArrayText blocks;
    add_blocks(message, blocks, fault);
    add_tool_uses(message, blocks);
    add_turn(message.role, blocks, turns);
  }
  add_turn("user", results, turns);
  if (!system.empty()) out.raw("system", system.done());
  out.raw("messages", turns.done());
}

void add_tools(std::string_view tools, ObjectText& out, Fault& fault) {
  ArrayText list;
  for (const Tool& tool : tools_of(tools, fault)) {
    ObjectText made;
    made.raw("name", tool.name);
    if (!tool.description.empty()) made.raw("description", tool.description);
    made.raw("input_schema",
             tool.parameters.empty() ? R"({"type":"object","properties":{}})" : tool.parameters);
    list.raw(made.done());
  }
  out.raw("tools", list.done());
}

// Whether tools may be called side by side is part of the choice here.
void add_tool_choice(std::string_view body, ObjectText& out, Fault& fault) {
  const std::string_view given = raw_member(body, "tool_choice");
  const bool one_by_one = raw_member(body, "parallel_tool_calls") == "false";
  if (given.empty() && !one_by_one) return;
  const ToolChoice choice = given.empty() ? ToolChoice{"auto", {}} : tool_choice_of(given, fault);
  ObjectText made;
  if (choice.name.empty()) {
    made.text("type", choice.word == "required" ? "any" : choice.word);
  } else {
    made.text("type", "tool").raw("name", choice.name);
  }
  if (one_by_one && choice.word != "none") made.raw("disable_parallel_tool_use", "true");
  out.raw("tool_choice", made.done());
}

}  // namespace

std::string anthropic_chat(std::string_view body, std::string_view model, bool stream,
                           Fault& fault) {
  ObjectText out;
  out.text("model", model);
  const std::string_view most = most_output(body);
  out.raw("max_tokens", most.empty() ? kDefaultMaxTokens : most);
  add_messages(raw_member(body, "messages"), out, fault);
  add_tool_choice(body, out, fault);
  for (const RawMember& member : raw_members(body)) {
    const std::string_view name = member.name;
    if (is_placed_apart(name) || name == "tool_choice" || name == "parallel_tool_calls") continue;
    if (copy_renamed(member, {{"temperature", "temperature"}, {"top_p", "top_p"}}, out)) continue;
    if (name == "user" && kind_of(member.value) == RawKind::kString) {
      out.raw("metadata", ObjectText().raw("user_id", member.value).done());
    } else if (asks_for_nothing(member)) {
      continue;
    } else if (name == "stop") {
      out.raw("stop_sequences", list_of_strings(member.value, name, fault));
    } else if (name == "tools") {
      add_tools(member.value, out, fault);
    } else {
      fault.cannot_say(name);
    }
  }
  if (stream) out.raw("stream", "true");
  return out.done();
}

}  // namespace llmq::provider
