#include "provider/refusal.h"

#include <algorithm>
#include <array>
#include <optional>

#include "provider/duration.h"
#include "provider/errors.h"
#include "provider/limit_words.h"
#include "provider/number.h"
#include "provider/text.h"

namespace llmq::provider {
namespace {

using core::LimitKind;

constexpr int64_t kDayNs = 86'400 * kNsPerSecond;
constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

// What a limit counts; kOther: something that the core does not.
enum class Counted : uint8_t {
  kRequests,
  kTokens,
  kInputTokens,
  kOutputTokens,
  kConcurrency,
  kOther
};

template <typename Value>
struct Named {
  std::string_view name;
  Value value;
};
constexpr std::array<Named<Counted>, 5> kAbbreviations{{{"RP", Counted::kRequests},
                                                        {"TP", Counted::kTokens},
                                                        {"ITP", Counted::kInputTokens},
                                                        {"OTP", Counted::kOutputTokens},
                                                        {"IP", Counted::kOther}}};
constexpr std::array<Named<int64_t>, 4> kLastLetters{
    {{"S", kNsPerSecond}, {"M", 60 * kNsPerSecond}, {"H", 3600 * kNsPerSecond}, {"D", kDayNs}}};
constexpr std::array<Named<int64_t>, 9> kPeriods{{{"s", kNsPerSecond},
                                                  {"sec", kNsPerSecond},
                                                  {"second", kNsPerSecond},
                                                  {"min", 60 * kNsPerSecond},
                                                  {"minute", 60 * kNsPerSecond},
                                                  {"hour", 3600 * kNsPerSecond},
                                                  {"day", kDayNs},
                                                  {"week", 7 * kDayNs},
                                                  {"month", 30 * kDayNs}}};
constexpr std::array<Named<Counted>, 8> kNouns{{{"requests", Counted::kRequests},
                                                {"request", Counted::kRequests},
                                                {"queries", Counted::kRequests},
                                                {"calls", Counted::kRequests},
                                                {"call", Counted::kRequests},
                                                {"tokens", Counted::kTokens},
                                                {"token", Counted::kTokens},
                                                {"images", Counted::kOther}}};
constexpr std::array<Named<Counted>, 4> kTypes{{{"requests", Counted::kRequests},
                                                {"tokens", Counted::kTokens},
                                                {"input_tokens", Counted::kInputTokens},
                                                {"output_tokens", Counted::kOutputTokens}}};

template <typename Value, size_t N>
std::optional<Value> find_named(std::string_view name, const std::array<Named<Value>, N>& names) {
  for (const Named<Value>& candidate : names) {
    if (equal_ignoring_case(candidate.name, name)) return candidate.value;
  }
  return std::nullopt;
}

// What the words say of a limit, as far as they do.
struct Words {
  std::optional<Counted> counted;
  int64_t period_ns = 0;
  std::optional<int64_t> limit;  // where it stands before its unit: "60 queries per minute"
};

// "(TPM)"
bool read_abbreviation(std::string_view message, Words& words) {
  for (size_t open = message.find('('); open != std::string_view::npos;
       open = message.find('(', open + 1)) {
    const size_t close = message.find(')', open);
    if (close == std::string_view::npos) return false;
    const std::string_view inside = message.substr(open + 1, close - open - 1);
    if (inside.size() < 3) continue;
    const auto counted = find_named(inside.substr(0, inside.size() - 1), kAbbreviations);
    const auto period = find_named(inside.substr(inside.size() - 1), kLastLetters);
    if (!counted || !period) continue;
    words.counted = counted;
    words.period_ns = *period;
    return true;
  }
  return false;
}

// The word that ends `text`, which is shortened by it and the blanks around it.
std::string_view take_last_word(std::string_view& text) {
  text = trimmed(text);
  const size_t before = text.find_last_not_of(kLetters);
  const size_t start = before == std::string_view::npos ? 0 : before + 1;
  const std::string_view word = text.substr(start);
  text = trimmed(text.substr(0, start));
  return word;
}

Counted refined(std::string_view adjective, Counted counted) {
  if (counted != Counted::kTokens) return counted;
  if (equal_ignoring_case(adjective, "input")) return Counted::kInputTokens;
  if (equal_ignoring_case(adjective, "output")) return Counted::kOutputTokens;
  return counted;
}

// What `text` ends with: "... of 200,000 input tokens", "... limited to 20 API calls".
void read_noun(std::string_view text, Words& words) {
  const auto counted = find_named(take_last_word(text), kNouns);
  if (!counted) return;
  std::string_view shorter = text;
  const std::string_view adjective = take_last_word(shorter);
  words.counted = refined(adjective, *counted);
  if (words.counted != *counted || equal_ignoring_case(adjective, "API")) text = shorter;
  const size_t blank = text.rfind(' ');
  words.limit = read_count(text.substr(blank == std::string_view::npos ? 0 : blank + 1));
}

// What `text` begins with: "min", "minute).", "6s: Limit 5".
int64_t read_period(std::string_view text) {
  text = text.substr(std::min(text.find_first_not_of(' '), text.size()));
  const std::string_view word = text.substr(0, text.find_first_not_of(kLetters));
  if (!word.empty()) return find_named(word, kPeriods).value_or(0);
  return take_duration(text, 0).value_or(0);
}

// "tokens per min", "API calls / minute". The first that names what is counted; "Limit: 20 / min"
// may give the period.
void read_rate(std::string_view message, Words& words) {
  for (size_t at = 0; at < message.size(); ++at) {
    const bool slash = message[at] == '/';
    if (!slash && !equal_ignoring_case(message.substr(at, 5), " per ")) continue;
    const int64_t period = read_period(message.substr(at + (slash ? 1 : 5)));
    if (period == 0) continue;
    read_noun(message.substr(0, at), words);
    if (words.counted || words.period_ns == 0) words.period_ns = period;
    if (words.counted) return;
  }
}

// "token rate limit", "concurrent requests".
std::optional<Counted> read_plain_words(std::string_view message) {
  if (contains_ignoring_case(message, "concurren")) return Counted::kConcurrency;
  constexpr std::string_view kRateLimit = "rate limit";
  const auto at = std::search(message.begin(), message.end(), kRateLimit.begin(), kRateLimit.end());
  if (at == message.end()) return std::nullopt;
  std::string_view before = message.substr(0, static_cast<size_t>(at - message.begin()));
  const auto counted = find_named(take_last_word(before), kNouns);
  if (!counted) return std::nullopt;
  return refined(take_last_word(before), *counted);
}

void put_counted(Counted counted, core::Refusal& refusal) {
  switch (counted) {
    case Counted::kRequests:
      refusal.kind = LimitKind::kRequests;
      break;
    case Counted::kTokens:
      refusal.kind = LimitKind::kTokens;
      break;
    case Counted::kInputTokens:
      refusal.kind = LimitKind::kInputTokens;
      break;
    case Counted::kOutputTokens:
      refusal.kind = LimitKind::kOutputTokens;
      break;
    case Counted::kConcurrency:
      refusal.kind = LimitKind::kConcurrency;
      break;
    case Counted::kOther:
      return;
  }
  refusal.kind_told = true;
}

// "(actual/limit): 2/2"
void read_actual_of_limit(std::string_view message, LimitWords& numbers) {
  constexpr std::string_view kLead = "(actual/limit):";
  const size_t at = message.find(kLead);
  if (at == std::string_view::npos) return;
  std::string_view text = trimmed(message.substr(at + kLead.size()));
  numbers.used = take_count(text);
  if (text.empty() || text.front() != '/') return;
  text.remove_prefix(1);
  numbers.limit = take_count(text);
}

// "GenerateContentPaidTierInputTokensPerModelPerMinute" of "1000000".
core::Refusal read_quota_failure(const cJSON* details) {
  core::Refusal refusal;
  const cJSON* detail = nullptr;
  cJSON_ArrayForEach(detail, details) {
    const cJSON* const violation = cJSON_GetArrayItem(member(detail, "violations"), 0);
    const std::string_view quota = text_member(violation, "quotaId");
    const bool tokens = contains_ignoring_case(quota, "Tokens");
    if (!tokens && !contains_ignoring_case(quota, "Requests")) continue;
    const bool input = contains_ignoring_case(quota, "InputTokens");
    refusal.kind_told = true;
    refusal.kind = input    ? LimitKind::kInputTokens
                   : tokens ? LimitKind::kTokens
                            : LimitKind::kRequests;
    if (contains_ignoring_case(quota, "PerMinute")) refusal.period.ns = 60 * kNsPerSecond;
    if (contains_ignoring_case(quota, "PerDay")) refusal.period.ns = kDayNs;
    refusal.limit = read_count(text_member(violation, "quotaValue")).value_or(core::kNotTold);
    return refusal;
  }
  return refusal;
}

}  // namespace

core::Refusal read_refusal(std::string_view message, std::string_view type) {
  Words words;
  if (!read_abbreviation(message, words)) read_rate(message, words);
  if (!words.counted) words.counted = read_plain_words(message);
  if (!words.counted) words.counted = find_named(type, kTypes);
  LimitWords numbers = read_limit_words(message);
  if (!numbers.limit) read_actual_of_limit(message, numbers);
  if (!numbers.limit) numbers.limit = words.limit;

  core::Refusal refusal;
  if (words.counted) put_counted(*words.counted, refusal);
  if (words.counted != Counted::kConcurrency) refusal.period.ns = words.period_ns;
  // A limit of nothing means no access, where it is clear what it counts.
  if (numbers.limit.value_or(0) > 0 || (numbers.limit && words.counted)) {
    refusal.limit = *numbers.limit;
  }
  refusal.used = numbers.used.value_or(core::kNotTold);
  refusal.requested = numbers.requested.value_or(core::kNotTold);
  return refusal;
}

core::Refusal refusal_of(const ErrorBody& error) {
  core::Refusal refusal = read_quota_failure(error.details);
  if (refusal.kind_told) return refusal;
  refusal = read_refusal(error.message, error.type);
  if (!is_concurrency_limit(error)) return refusal;
  refusal.kind_told = true;
  refusal.kind = LimitKind::kConcurrency;
  refusal.period = {};
  return refusal;
}

}  // namespace llmq::provider
