// One look at a payload before it is queued: is it sound, what will it count, and how is it said on
// the wire.
#include <algorithm>

#include "provider/json.h"
#include "provider/payload.h"
#include "provider/raw_json.h"
#include "provider/request.h"
#include "provider/request_url.h"
#include "provider/translate.h"

namespace llmq::provider {
namespace {

const char* operation_name(Operation operation) {
  switch (operation) {
    case Operation::kChat:
      return "chat";
    case Operation::kEmbeddings:
      return "embeddings";
    case Operation::kMessages:
      return "messages";
    case Operation::kResponses:
      return "responses";
    case Operation::kCustom:
      break;
  }
  return "custom";
}

bool has_operation(const Profile& profile, Operation operation) {
  if (profile.wire == Wire::kBedrock) return false;
  switch (operation) {
    case Operation::kEmbeddings:
      return profile.wire != Wire::kAnthropic && profile.has_embeddings;
    case Operation::kMessages:
      return profile.wire == Wire::kAnthropic;
    case Operation::kResponses:
      return profile.wire == Wire::kOpenAi && profile.has_responses;
    case Operation::kChat:
    case Operation::kCustom:
      break;
  }
  return true;
}

bool is_neutral(Operation operation) {
  return operation == Operation::kChat || operation == Operation::kEmbeddings;
}

std::string translated(const Endpoint& endpoint, Operation operation, std::string_view body,
                       const std::string& model, bool stream, Fault& fault) {
  const bool chat = operation == Operation::kChat;
  switch (endpoint.profile->wire) {
    case Wire::kAnthropic:
      return anthropic_chat(body, model, stream, fault);
    case Wire::kGemini:
      return chat ? gemini_chat(body, fault) : gemini_embeddings(body, model, fault);
    case Wire::kCohere:
      return chat ? cohere_chat(body, model, stream, fault) : cohere_embeddings(body, model, fault);
    case Wire::kOllama:
      return chat ? ollama_chat(body, model, stream, fault) : ollama_embeddings(body, model, fault);
    case Wire::kOpenAi:
    case Wire::kBedrock:
      break;
  }
  return std::string(body);
}

bool has_dot_segment(std::string_view name) {
  while (!name.empty()) {
    const std::string_view segment = name.substr(0, name.find('/'));
    if (segment == "." || segment == "..") return true;
    name.remove_prefix(std::min(segment.size() + 1, name.size()));
  }
  return false;
}

// The payload, which names none, with a model in front.
std::string with_model_in_front(std::string_view payload, std::string_view model) {
  ObjectText named;
  named.text("model", model);
  for (const RawMember& member : raw_members(payload)) named.raw(member.name, member.value);
  return named.done();
}

}  // namespace

std::string with_model(std::string_view payload, std::string_view model) {
  constexpr std::string_view kModel = "model";
  const std::vector<RawMember> members = raw_members(payload);
  const bool named = std::any_of(members.begin(), members.end(),
                                 [&](const RawMember& member) { return member.name == kModel; });
  if (!named) return std::string(payload);
  ObjectText changed;
  for (const RawMember& member : members) {
    if (member.name == kModel) {
      changed.text(kModel, model);
    } else {
      changed.raw(member.name, member.value);
    }
  }
  return changed.done();
}

bool same_form(const Endpoint& a, const Endpoint& b) {
  return a.profile == b.profile &&
         url_names_model(a, Operation::kChat) == url_names_model(b, Operation::kChat);
}

core::Result<Prepared> prepare(const Endpoint& endpoint, Operation operation,
                               std::string_view payload, bool stream,
                               int64_t default_output_tokens) {
  const Profile& profile = *endpoint.profile;
  if (!has_operation(profile, operation)) {
    return core::Error{
        core::Status::kUnsupported,
        "provider " + std::string(profile.name) + " has no operation " + operation_name(operation),
        "operation"};
  }
  const auto parsed = parse_payload(payload);
  if (!parsed) return parsed.error();
  const cJSON* const object = parsed.value().get();
  Prepared prepared;
  prepared.estimate =
      is_neutral(operation) || (operation == Operation::kCustom && profile.wire == Wire::kOpenAi)
          ? estimate_neutral(operation, object, default_output_tokens)
          : estimate_native(object, default_output_tokens);
  prepared.estimate.stream = cJSON_IsTrue(member(object, "stream")) != 0;
  const std::string_view said = text_member(object, "model");
  const std::string_view named = endpoint.deployment.empty() ? endpoint.model : endpoint.deployment;
  if (url_names_model(endpoint, operation)) {
    prepared.model = endpoint.deployment.empty() && !said.empty() ? said : named;
    if (prepared.model.empty() || has_dot_segment(prepared.model)) {
      return core::Error{core::Status::kInvalidValue,
                         "payload: model \"" + prepared.model + "\" cannot be part of a URL",
                         "payload"};
    }
  }
  if (is_neutral(operation) && profile.wire == Wire::kOpenAi &&
      member(object, "model") == nullptr && !url_names_model(endpoint, operation)) {
    prepared.body = with_model_in_front(payload, named);
  }
  if (is_neutral(operation) && profile.wire != Wire::kOpenAi) {
    std::string model(said.empty() ? named : said);
    if (profile.wire == Wire::kGemini) {
      model = (prepared.model.find('/') == std::string::npos ? "models/" : "") + prepared.model;
    }
    Fault fault(profile.name);
    prepared.body = translated(endpoint, operation, payload, model, stream, fault);
    if (fault.error()) return *fault.error();
  }
  return prepared;
}

}  // namespace llmq::provider
