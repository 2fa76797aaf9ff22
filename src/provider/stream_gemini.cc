#include <algorithm>
#include <string_view>

#include "provider/stream_wires.h"

namespace llmq::provider {
namespace {

constexpr size_t kMostCandidates = 64;

size_t index_of(const cJSON* candidate) {
  const cJSON* const index = member(candidate, "index");
  const bool usable =
      cJSON_IsNumber(index) != 0 && index->valuedouble >= 0 && index->valuedouble < kMostCandidates;
  return usable ? static_cast<size_t>(index->valuedouble) : 0;
}

}  // namespace

GeminiStream::Candidate& GeminiStream::candidate(size_t index) {
  if (candidates_.size() <= index) candidates_.resize(index + 1);
  return candidates_[index];
}

void GeminiStream::add_part(Candidate& to, const cJSON* part) {
  const bool is_thought = cJSON_IsTrue(member(part, "thought")) != 0;
  const cJSON* const text = member(part, "text");
  const bool is_text = cJSON_IsString(text) != 0;
  const bool plain = is_text && cJSON_GetArraySize(part) == (is_thought ? 2 : 1);
  if (plain && !to.parts.empty() && to.parts.back().is_text &&
      to.parts.back().is_thought == is_thought) {
    to.parts.back().text.append(text->valuestring);
    return;
  }
  Part& made = to.parts.emplace_back();
  made.part = copy_of(part);
  made.is_text = is_text;
  made.is_thought = is_thought;
  if (is_text) made.text = text->valuestring;
}

Told GeminiStream::take(const cJSON* event) {
  Told told;
  if (head_ == nullptr) head_.reset(base::new_object());
  replace_members(event, head_.get(), "candidates");
  // A prompt that was refused has no candidate to finish.
  if (!text_member(member(event, "promptFeedback"), "blockReason").empty()) finished_ = true;
  const cJSON* one = nullptr;
  cJSON_ArrayForEach(one, member(event, "candidates")) {
    Candidate& to = candidate(index_of(one));
    if (to.head == nullptr) to.head.reset(base::new_object());
    replace_members(one, to.head.get(), "content");
    if (!text_member(one, "finishReason").empty()) finished_ = true;
    const cJSON* const content = member(one, "content");
    if (const auto role = text_member(content, "role"); !role.empty()) to.role = role;
    const cJSON* part = nullptr;
    cJSON_ArrayForEach(part, member(content, "parts")) {
      add_part(to, part);
      const size_t bytes = text_bytes(part);
      told.text_bytes += bytes;
      told.output = told.output || bytes > 0 || member(part, "functionCall") != nullptr;
    }
  }
  return told;
}

base::Json GeminiStream::whole() const {
  if (head_ == nullptr) return nullptr;
  base::Json answer = copy_of(head_.get());
  base::Json list(base::new_array());
  for (const Candidate& from : candidates_) {
    base::Json content(base::new_object());
    base::Json parts(base::new_array());
    for (const Part& part : from.parts) {
      base::Json made = copy_of(part.part.get());
      if (part.is_text) {
        set_member(made.get(), "text", base::Json(base::new_text(part.text.c_str())));
      }
      base::append(parts.get(), made.release());
    }
    set_member(content.get(), "parts", std::move(parts));
    if (!from.role.empty()) {
      set_member(content.get(), "role", base::Json(base::new_text(from.role.c_str())));
    }
    base::Json made =
        from.head == nullptr ? base::Json(base::new_object()) : copy_of(from.head.get());
    set_member(made.get(), "content", std::move(content));
    base::append(list.get(), made.release());
  }
  if (!candidates_.empty()) set_member(answer.get(), "candidates", std::move(list));
  return answer;
}

}  // namespace llmq::provider
