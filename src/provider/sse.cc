#include "provider/sse.h"

#include "provider/text.h"

namespace llmq::provider {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (text.substr(0, prefix.size()) != prefix) return false;
  text.remove_prefix(prefix.size());
  return true;
}

void take_json_line(std::string_view line, std::vector<SseEvent>& out) {
  line = trimmed(line);
  if (!line.empty()) out.push_back({{}, std::string(line)});
}

}  // namespace

void SseReader::feed(std::string_view bytes, std::vector<SseEvent>& out) {
  if (too_large_) return;
  const bool fits = lines_.feed(bytes, kMostEventBytes, [this, &out](std::string_view line) {
    if (!too_large_) take_line(line, out);
  });
  too_large_ = too_large_ || !fits;
}

void SseReader::finish(std::vector<SseEvent>& out) {
  if (too_large_) return;
  if (!lines_.rest().empty()) take_line(std::string(lines_.rest()), out);
  lines_.clear();
  dispatch(out);
}

void SseReader::take_line(std::string_view line, std::vector<SseEvent>& out) {
  if (first_line_) take_prefix(line, kByteOrderMark);
  first_line_ = false;
  if (line.empty()) return dispatch(out);
  const size_t colon = line.find(':');
  const std::string_view field = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? "" : line.substr(colon + 1);
  take_prefix(value, " ");
  if (field == "event") {
    event_.name = value;
  } else if (field == "data") {
    if (event_.data.size() + value.size() >= kMostEventBytes) {
      too_large_ = true;
      return;
    }
    if (has_data_) event_.data.push_back('\n');
    event_.data.append(value);
    has_data_ = true;
  }
}

void SseReader::dispatch(std::vector<SseEvent>& out) {
  if (has_data_ && !event_.data.empty()) out.push_back(std::move(event_));
  event_ = {};
  has_data_ = false;
}

void LineReader::feed(std::string_view bytes, std::vector<SseEvent>& out) {
  if (too_large_) return;
  too_large_ = !lines_.feed(bytes, SseReader::kMostEventBytes,
                            [&out](std::string_view line) { take_json_line(line, out); });
}

void LineReader::finish(std::vector<SseEvent>& out) {
  take_json_line(lines_.rest(), out);
  lines_.clear();
}

}  // namespace llmq::provider
