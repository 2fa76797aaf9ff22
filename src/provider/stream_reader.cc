#include "provider/stream_reader.h"

#include <algorithm>
#include <utility>

#include "provider/answer.h"
#include "provider/text.h"

namespace llmq::provider {
namespace {

using core::Status;

constexpr std::string_view kBlanks = " \t\r\n\xEF\xBB\xBF";  // and a byte order mark

// What must come for the stream to be whole, in words.
const char* awaited(StreamWire wire) {
  switch (wire) {
    case StreamWire::kChat:
      return "[DONE]";
    case StreamWire::kResponses:
      return "response.completed";
    case StreamWire::kAnthropic:
      return "message_stop";
    case StreamWire::kGemini:
      return "a finishReason";
    case StreamWire::kCohere:
      return "message-end";
    case StreamWire::kOllama:
      return "\"done\": true";
  }
  return "";
}

}  // namespace

StreamWire stream_wire(const Profile& profile, Operation operation) {
  switch (profile.wire) {
    case Wire::kAnthropic:
      return StreamWire::kAnthropic;
    case Wire::kGemini:
      return StreamWire::kGemini;
    case Wire::kCohere:
      return StreamWire::kCohere;
    case Wire::kOllama:
      return StreamWire::kOllama;
    default:
      return operation == Operation::kResponses ? StreamWire::kResponses : StreamWire::kChat;
  }
}

StreamReader::StreamReader(const Profile& profile, Operation operation, StreamWire wire)
    : profile_(&profile), operation_(operation), wire_(wire) {
  switch (wire) {
    case StreamWire::kChat:
      answer_.emplace<ChatStream>();
      break;
    case StreamWire::kResponses:
      answer_.emplace<ResponsesStream>();
      break;
    case StreamWire::kAnthropic:
      answer_.emplace<AnthropicStream>();
      break;
    case StreamWire::kGemini:
      answer_.emplace<GeminiStream>();
      break;
    case StreamWire::kCohere:
      answer_.emplace<CohereStream>();
      break;
    case StreamWire::kOllama:
      answer_.emplace<OllamaStream>();
      break;
  }
}

// Some servers answer with one JSON value, or a page, although a stream was asked for.
void StreamReader::choose_form(char first) {
  const bool json = first == '{' || first == '[';
  if (json && wire_ == StreamWire::kOllama) {
    form_ = Form::kLines;
  } else {
    form_ = json || first == '<' ? Form::kPlain : Form::kEvents;
  }
}

void StreamReader::feed(std::string_view bytes, std::vector<StreamEvent>& out) {
  if (form_ == Form::kUnknown) {
    const size_t first = bytes.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) return;
    choose_form(bytes[first]);
    bytes.remove_prefix(first);
  }
  if (failed_) return;
  if (bytes.size() > kMostBytes - bytes_) {
    return break_off("the answer is larger than " + std::to_string(kMostBytes) + " bytes");
  }
  bytes_ += bytes.size();
  if (form_ == Form::kPlain) {
    plain_.append(bytes);
  } else if (form_ == Form::kLines) {
    lines_.feed(bytes, cut_);
  } else {
    events_.feed(bytes, cut_);
  }
  take_all(out);
}

void StreamReader::take_all(std::vector<StreamEvent>& out) {
  for (SseEvent& event : cut_) take(std::move(event), out);
  cut_.clear();
  if (events_.too_large() || lines_.too_large()) {
    break_off("an event of the stream is larger than " +
              std::to_string(SseReader::kMostEventBytes) + " bytes");
  }
}

void StreamReader::take(SseEvent&& event, std::vector<StreamEvent>& out) {
  if (ended()) return;
  const std::string_view data = trimmed(event.data);
  if (data == "[DONE]") {
    end_ = "[DONE]";
    return;
  }
  const ParsedJson parsed = parse_json(event.data);
  const bool whole = parsed.value != nullptr && parsed.stopped >= event.data.size();
  if (whole) {
    return take_json(std::move(event.data), parsed.value.get(), event.name == "error", out);
  }
  // Other words keep a connection alive; JSON that is broken is a loss.
  if (!data.empty() && (data.front() == '{' || data.front() == '[')) {
    break_off("event " + std::to_string(count_ + 1) +
              " of the stream is JSON that is cut off or "
              "broken at byte " +
              std::to_string(parsed.stopped));
  }
}

void StreamReader::take_json(std::string&& data, const cJSON* json, bool is_error_event,
                             std::vector<StreamEvent>& out) {
  if (is_error_event || is_error(json)) return fail(copy_of(json));
  if (cJSON_IsObject(json) == 0) return;
  ++count_;
  if (const UsageCounts told = read_usage(json); told.any()) {
    // Anthropic tells input first and output last; elsewhere each usage is a whole one.
    if (wire_ != StreamWire::kAnthropic) usage_ = {};
    usage_.replace(told);
  }
  const Told told = std::visit([json](auto& answer) { return answer.take(json); }, answer_);
  if (told.end != nullptr) end_ = told.end;
  text_bytes_ += told.text_bytes;
  output_begun_ = output_begun_ || told.output;
  out.push_back({std::move(data), told.output});
}

void StreamReader::fail(base::Json error) {
  failed_ = true;
  error_ = std::move(error);
}

void StreamReader::break_off(std::string why) {
  if (failed_) return;
  failed_ = true;
  broken_ = std::move(why);
}

bool StreamReader::is_whole() const {
  const auto* const gemini = std::get_if<GeminiStream>(&answer_);
  return count_ > 0 && (end_ != nullptr || (gemini != nullptr && gemini->finished()));
}

bool StreamReader::finish_plain(const WireResponse& head, int64_t wall_unix_ms,
                                std::vector<StreamEvent>& out, Outcome& outcome) {
  const ParsedJson parsed = parse_json(plain_);
  const bool list = cJSON_IsArray(parsed.value.get()) != 0 && !is_error(parsed.value.get()) &&
                    parsed.stopped >= plain_.size();
  if (list) {
    // Gemini without alt=sse: a list of what would be events.
    const cJSON* event = nullptr;
    cJSON_ArrayForEach(event, parsed.value.get()) {
      if (!failed_) take_json(base::json_text(event), event, false, out);
    }
    return false;
  }
  WireResponse whole = head;
  whole.body = plain_;
  outcome = parse_response(*profile_, operation_, whole, wall_unix_ms);
  if (outcome.status != Status::kOk) return true;
  usage_ = read_usage(parsed.value.get());
  output_begun_ = true;
  out.push_back({plain_, true});
  return true;
}

Outcome StreamReader::finish(const WireResponse& head, int64_t wall_unix_ms,
                             std::vector<StreamEvent>& out) {
  events_.finish(cut_);
  lines_.finish(cut_);
  take_all(out);
  Outcome outcome;
  if (form_ == Form::kPlain && broken_.empty() && finish_plain(head, wall_unix_ms, out, outcome)) {
    return outcome;
  }
  outcome = outcome_of_headers(*profile_, head, wall_unix_ms);
  put_usage(usage_, false, outcome);
  if (error_ != nullptr) {
    const ErrorBody error = read_error_body(error_.get());
    // The headers came before the failure: their Retry-After is not about it.
    read_failure(*profile_, {head.http_status, {}, ""}, error, wall_unix_ms, outcome);
    outcome.message = "in the stream: " + words_of(error);
  } else if (failed_ || !is_whole()) {
    outcome.status = outcome.failure = Status::kTransport;
    outcome.error_name = "truncated";
    outcome.message = !broken_.empty() ? broken_
                                       : "the stream ended after " + std::to_string(count_) +
                                             " events without " + awaited(wire_);
  } else {
    outcome.status = Status::kOk;
    const auto* const gemini = std::get_if<GeminiStream>(&answer_);
    if (gemini != nullptr) refuse_blocked_prompt(gemini->whole().get(), outcome);
  }
  return outcome;
}

int64_t StreamReader::output_tokens() const {
  const int64_t told = total_usage(usage_).output_tokens;
  if (end_ != nullptr && usage_.output != core::kNotTold) return told;
  return std::max(told, static_cast<int64_t>((text_bytes_ + 3) / 4));
}

std::string StreamReader::take_assembled() {
  if (!plain_.empty() && count_ == 0) return std::exchange(plain_, {});
  const base::Json whole = std::visit([](const auto& answer) { return answer.whole(); }, answer_);
  return whole == nullptr ? "" : base::json_text(whole.get());
}

}  // namespace llmq::provider
