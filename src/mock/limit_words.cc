#include "mock/limit_words.h"

#include <algorithm>
#include <array>

#include "mock/options.h"

namespace llmq::mock {

namespace {

struct Word {
  Nanos period;
  const char* name;
  const char* short_name;
  char letter;
};

constexpr std::array<Word, 4> kWords{{{std::chrono::seconds(1), "second", "sec", 'S'},
                                      {std::chrono::minutes(1), "minute", "min", 'M'},
                                      {std::chrono::hours(1), "hour", "hour", 'H'},
                                      {std::chrono::hours(24), "day", "day", 'D'}}};

const char* letters_of(LimitKind kind) {
  switch (kind) {
    case LimitKind::kRequests:
      return "RP";
    case LimitKind::kInputTokens:
      return "ITP";
    case LimitKind::kOutputTokens:
      return "OTP";
    case LimitKind::kTokens:
    case LimitKind::kConcurrency:
      break;
  }
  return "TP";
}

}  // namespace

bool is_of_tokens(LimitKind kind) {
  return kind != LimitKind::kRequests && kind != LimitKind::kConcurrency;
}

int64_t used_of(const Refusal& refusal) { return std::max<int64_t>(refusal.told.used, 0); }

std::string dimension_of(const Refusal& refusal) {
  if (refusal.kind == LimitKind::kConcurrency) return "concurrent requests";
  std::string text(name_of(refusal.kind));
  std::replace(text.begin(), text.end(), '_', ' ');
  text += " per ";
  for (const Word& word : kWords) {
    if (refusal.told.period != word.period) continue;
    return text + word.short_name + " (" + letters_of(refusal.kind) + word.letter + ")";
  }
  return text + format_span(refusal.told.period);
}

std::string period_word(Nanos period) {
  for (const Word& word : kWords) {
    if (period == word.period) return word.name;
  }
  return format_span(period);
}

}  // namespace llmq::mock
