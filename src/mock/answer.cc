#include "mock/answer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "mock/random.h"
#include "mock/request_json.h"
#include "mock/utf8.h"

namespace llmq::mock {

namespace {

constexpr std::array<std::string_view, 12> kWords{"quota", "window", "ledger", "token",
                                                  "queue", "bucket", "steady", "answer",
                                                  "fair",  "limit",  "settle", "request"};

// Names the request, then talks on until it is as long as its tokens say.
std::string make_text(const ApiRequest& request, const ReplyId& id, int64_t tokens) {
  std::string text = "Mock answer to request " + hex_of(id.body) + ": " + request.topic;
  Random random(id.body);
  const auto bytes = static_cast<size_t>(tokens * kCharactersPerToken);
  text.reserve(std::max(bytes + 16, text.size()));
  while (text.size() < bytes) text.append(" ").append(kWords[random.next() % kWords.size()]);
  return text;
}

}  // namespace

Answer make_answer(ApiRequest request, const ReplyId& id, int64_t output_tokens) {
  Answer answer;
  answer.id = id;
  answer.usage = {request.input_tokens, 0};
  if (request.has_output()) {
    answer.is_cut = request.max_tokens && *request.max_tokens < output_tokens;
    answer.text_tokens = answer.is_cut ? *request.max_tokens : output_tokens;
    answer.usage.output_tokens = answer.text_tokens * request.choices;
    answer.text = make_text(request, id, answer.text_tokens);
  }
  answer.request = std::move(request);
  return answer;
}

std::string_view text_of(const Answer& answer, const Piece& piece) {
  const std::string_view text = answer.text;
  const auto offset = [&](int64_t tokens) {
    if (tokens >= answer.text_tokens) return text.size();
    return utf8_prefix(text, static_cast<size_t>(tokens * kCharactersPerToken)).size();
  };
  const size_t start = offset(piece.from);
  return text.substr(start, offset(piece.to) - start);
}

std::string hex_of(uint64_t value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(16, '0');
  for (size_t i = 16; i-- > 0; value >>= 4U) text[i] = kDigits[value & 15U];
  return text;
}

}  // namespace llmq::mock
