#include "provider/neutral.h"

#include <algorithm>

#include "provider/json.h"

namespace llmq::provider {
namespace {

constexpr std::string_view kBase64Mark = ";base64,";

std::string at(std::string_view list, size_t index) {
  return std::string(list) + "[" + std::to_string(index) + "]";
}

// "data:image/png;base64,AAAA" taken apart; false for any other URL.
bool take_data_url(const std::string& url, ContentPart& part) {
  const size_t mark = url.find(kBase64Mark);
  if (url.compare(0, 5, "data:") != 0 || mark == std::string::npos) return false;
  part.media_type = url.substr(5, mark - 5);
  part.data = url.substr(mark + kBase64Mark.size());
  return true;
}

void read_image(std::string_view image, const std::string& where, ContentPart& part, Fault& fault) {
  part.kind = ContentPart::Kind::kImage;
  part.url = decoded(raw_member(image, "url"));
  if (part.url.empty()) return fault.malformed(where + ".image_url.url", "the address of an image");
  if (take_data_url(part.url, part)) part.url.clear();
}

void read_audio(std::string_view audio, const std::string& where, ContentPart& part, Fault& fault) {
  part.kind = ContentPart::Kind::kAudio;
  part.data = decoded(raw_member(audio, "data"));
  const std::string format = decoded(raw_member(audio, "format"));
  if (part.data.empty() || format.empty()) {
    return fault.malformed(where + ".input_audio", "data and format");
  }
  part.media_type = "audio/" + format;
}

void read_file(std::string_view file, const std::string& where, ContentPart& part, Fault& fault) {
  part.kind = ContentPart::Kind::kFile;
  if (!take_data_url(decoded(raw_member(file, "file_data")), part)) {
    fault.cannot_say(where + ".file", "it takes files whose file_data is a data: URL in base64");
  }
}

ContentPart read_part(std::string_view value, const std::string& where, Fault& fault) {
  ContentPart part;
  const std::string type = decoded(raw_member(value, "type"));
  if (type == "text") {
    part.text = raw_member(value, "text");
    if (kind_of(part.text) != RawKind::kString) fault.malformed(where + ".text", "a string");
  } else if (type == "image_url") {
    read_image(raw_member(value, "image_url"), where, part, fault);
  } else if (type == "input_audio") {
    read_audio(raw_member(value, "input_audio"), where, part, fault);
  } else if (type == "file") {
    read_file(raw_member(value, "file"), where, part, fault);
  } else if (type.empty()) {
    fault.malformed(where + ".type", "the type of the part");
  } else {
    fault.cannot_say(where + " of type " + type);
  }
  return part;
}

// The arguments are JSON inside a string; none at all is an object without members.
std::string read_arguments(std::string_view value, const std::string& where, Fault& fault) {
  std::string text = decoded(value);
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) return "{}";
  const ParsedJson parsed = parse_json(text);
  if (cJSON_IsObject(parsed.value.get()) == 0 || parsed.stopped < text.size()) {
    fault.malformed(where + ".function.arguments", "a string that holds a JSON object");
  }
  return text;
}

std::vector<ToolCall> read_tool_calls(std::string_view calls, const std::string& where,
                                      Fault& fault) {
  std::vector<ToolCall> read;
  for (const std::string_view value : raw_items(calls)) {
    const std::string place = at(where + ".tool_calls", read.size());
    const std::string_view function = raw_member(value, "function");
    ToolCall call;
    call.id = raw_member(value, "id");
    call.name = raw_member(function, "name");
    if (kind_of(call.name) != RawKind::kString) {
      fault.malformed(place + ".function.name", "a string");
    }
    if (kind_of(call.id) != RawKind::kString) fault.malformed(place + ".id", "a string");
    call.arguments = read_arguments(raw_member(function, "arguments"), place, fault);
    read.push_back(std::move(call));
  }
  return read;
}

// Members of a message that say nothing new: null, or what an answer had and is sent back.
bool is_echo(const RawMember& member) {
  if (kind_of(member.value) == RawKind::kNull) return true;
  return member.name == "annotations" && raw_items(member.value).empty();
}

Message read_message(std::string_view value, std::string where, Fault& fault) {
  Message message;
  message.where = std::move(where);
  message.role = decoded(raw_member(value, "role"));
  if (message.role == "developer") message.role = "system";
  static constexpr std::string_view kRoles[] = {"system", "user", "assistant", "tool"};
  if (std::find(std::begin(kRoles), std::end(kRoles), message.role) == std::end(kRoles)) {
    fault.malformed(message.where + ".role", "system, developer, user, assistant or tool");
  }
  for (const RawMember& member : raw_members(value)) {
    if (member.name == "role" || is_echo(member)) continue;
    if (member.name == "content") {
      message.content = member.value;
    } else if (member.name == "tool_calls") {
      message.tool_calls = read_tool_calls(member.value, message.where, fault);
    } else if (member.name == "tool_call_id" && message.role == "tool") {
      message.tool_call_id = member.value;
    } else if (member.name != "name" || message.role != "tool") {
      fault.cannot_say(message.where + "." + member.name);
    }
  }
  if (message.role == "tool" && kind_of(message.tool_call_id) != RawKind::kString) {
    fault.malformed(message.where + ".tool_call_id", "a string");
  }
  return message;
}

bool is_one_of(std::string_view value, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), value) != words.end();
}

}  // namespace

void Fault::cannot_say(std::string_view member, std::string_view why) {
  if (error_) return;
  std::string message = "payload: " + std::string(member) + " cannot be said to " + provider_;
  if (!why.empty()) message += ": " + std::string(why);
  error_ = core::Error{core::Status::kUnsupported, std::move(message), "payload"};
}

void Fault::malformed(std::string_view member, std::string_view expected) {
  if (error_) return;
  error_ = core::Error{core::Status::kInvalidValue,
                       "payload: " + std::string(member) + " must be " + std::string(expected),
                       "payload"};
}

std::vector<ContentPart> content_parts(std::string_view content, const std::string& where,
                                       Fault& fault) {
  std::vector<ContentPart> parts;
  if (kind_of(content) == RawKind::kString) {
    parts.emplace_back().text = content;
  } else if (kind_of(content) == RawKind::kArray) {
    for (const std::string_view value : raw_items(content)) {
      parts.push_back(read_part(value, at(where + ".content", parts.size()), fault));
    }
  } else if (kind_of(content) != RawKind::kMissing) {
    fault.malformed(where + ".content", "a string or an array of parts");
  }
  return parts;
}

std::vector<Message> messages_of(std::string_view messages, Fault& fault) {
  std::vector<Message> read;
  for (const std::string_view value : raw_items(messages)) {
    read.push_back(read_message(value, at("messages", read.size()), fault));
  }
  if (read.empty()) fault.malformed("messages", "an array of at least one message");
  return read;
}

std::vector<Tool> tools_of(std::string_view tools, Fault& fault) {
  std::vector<Tool> read;
  if (kind_of(tools) != RawKind::kArray) fault.malformed("tools", "an array");
  for (const std::string_view value : raw_items(tools)) {
    const std::string where = at("tools", read.size());
    const std::string type = decoded(raw_member(value, "type"));
    if (type != "function") fault.cannot_say(where + " of type " + type);
    const std::string_view function = raw_member(value, "function");
    Tool tool;
    for (const RawMember& member : raw_members(function)) {
      const std::string_view given = member.value;
      if (member.name == "name") tool.name = given;
      if (member.name == "description" && given != "null") tool.description = given;
      if (member.name == "parameters" && given != "null") tool.parameters = given;
      if (member.name == "strict" && given == "true") fault.cannot_say(where + ".function.strict");
    }
    if (kind_of(tool.name) != RawKind::kString) {
      fault.malformed(where + ".function.name", "a string");
    }
    read.push_back(tool);
  }
  return read;
}

ToolChoice tool_choice_of(std::string_view choice, Fault& fault) {
  ToolChoice read;
  if (kind_of(choice) == RawKind::kString) {
    read.word = decoded(choice);
    if (!is_one_of(read.word, {"auto", "none", "required"})) {
      fault.malformed("tool_choice", "auto, none, required or a function");
    }
    return read;
  }
  read.name = raw_member(raw_member(choice, "function"), "name");
  if (kind_of(read.name) != RawKind::kString) {
    fault.cannot_say("tool_choice that is neither a word nor a function");
  }
  return read;
}

std::string list_of_strings(std::string_view value, std::string_view member, Fault& fault) {
  if (kind_of(value) == RawKind::kString) return "[" + std::string(value) + "]";
  const std::vector<std::string_view> items = raw_items(value);
  if (kind_of(value) != RawKind::kArray ||
      std::any_of(items.begin(), items.end(),
                  [](std::string_view item) { return kind_of(item) != RawKind::kString; })) {
    fault.malformed(member, "a string or an array of strings");
  }
  return std::string(value);
}

bool is_placed_apart(std::string_view name) {
  return is_one_of(name, {"model", "messages", "max_tokens", "max_completion_tokens", "stream"});
}

bool asks_for_nothing(const RawMember& member) {
  const std::string_view name = member.name;
  const std::string_view value = member.value;
  if (kind_of(value) == RawKind::kNull) return true;
  if (is_one_of(name, {"metadata", "store", "user", "safety_identifier", "prompt_cache_key",
                       "stream_options"})) {
    return true;
  }
  if (name == "n") return value == "1";
  if (name == "logprobs" || name == "strict") return value == "false";
  if (name == "parallel_tool_calls") return value == "true";
  if (name == "frequency_penalty" || name == "presence_penalty") {
    return is_one_of(value, {"0", "0.0"});
  }
  if (name == "logit_bias") return raw_members(value).empty();
  if (name == "service_tier") return value == "\"auto\"";
  if (name == "response_format") return decoded(raw_member(value, "type")) == "text";
  if (name == "modalities") {
    const auto items = raw_items(value);
    return items.size() == 1 && items.front() == "\"text\"";
  }
  return false;
}

std::string_view most_output(std::string_view body) {
  const std::string_view newer = raw_member(body, "max_completion_tokens");
  return newer.empty() ? raw_member(body, "max_tokens") : newer;
}

bool copy_renamed(const RawMember& member, std::initializer_list<Renamed> table, ObjectText& out) {
  if (kind_of(member.value) == RawKind::kNull) return false;
  for (const Renamed& row : table) {
    if (row.neutral != member.name) continue;
    out.raw(row.native, member.value);
    return true;
  }
  return false;
}

}  // namespace llmq::provider
