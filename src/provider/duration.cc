#include "provider/duration.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "provider/number.h"
#include "provider/text.h"

namespace llmq::provider {
namespace {

struct Unit {
  std::string_view name;
  int64_t ns;
};
// A name that begins another one comes after it.
constexpr std::array<Unit, 18> kUnits{{{"millisecond", kNsPerMs},
                                       {"msec", kNsPerMs},
                                       {"microsecond", 1'000},
                                       {"ms", kNsPerMs},
                                       {"us", 1'000},
                                       {"\u00b5s", 1'000},
                                       {"ns", 1},
                                       {"second", kNsPerSecond},
                                       {"sec", kNsPerSecond},
                                       {"minute", 60 * kNsPerSecond},
                                       {"min", 60 * kNsPerSecond},
                                       {"hour", 3600 * kNsPerSecond},
                                       {"hr", 3600 * kNsPerSecond},
                                       {"day", 86'400 * kNsPerSecond},
                                       {"d", 86'400 * kNsPerSecond},
                                       {"s", kNsPerSecond},
                                       {"m", 60 * kNsPerSecond},
                                       {"h", 3600 * kNsPerSecond}}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

int64_t to_ns(double number, int64_t unit_ns) {
  const double ns = number * static_cast<double>(unit_ns);
  return ns >= static_cast<double>(kLongestDurationNs) ? kLongestDurationNs : std::llround(ns);
}

// Without the "s" of "33 seconds".
void skip_plural(const Unit& unit, std::string_view& text) {
  if (unit.name.size() >= 2 && !text.empty() && (text[0] == 's' || text[0] == 'S')) {
    text.remove_prefix(1);
  }
}

// A unit is a whole word: "5 more" are no minutes.
const Unit* take_unit(std::string_view& text) {
  for (const Unit& unit : kUnits) {
    if (!equal_ignoring_case(text.substr(0, unit.name.size()), unit.name)) continue;
    std::string_view rest = text.substr(unit.name.size());
    skip_plural(unit, rest);
    if (!rest.empty() && is_letter(rest.front())) continue;
    text = rest;
    return &unit;
  }
  return nullptr;
}

// "1 minute 30 seconds", "1 hour and 5 minutes", "2m 59.5s": to the next number, if one follows.
std::string_view next_part(std::string_view text) {
  for (const std::string_view between : {", and ", " and ", ", ", " "}) {
    const std::string_view rest = text.substr(std::min(between.size(), text.size()));
    if (text.substr(0, between.size()) == between && !rest.empty() && is_digit(rest.front())) {
      return rest;
    }
  }
  return text;
}

}  // namespace

std::optional<int64_t> take_duration(std::string_view& text, int64_t bare_unit_ns) {
  std::optional<int64_t> total;
  std::string_view part = text;
  while (!part.empty() && is_digit(part.front())) {
    std::string_view rest = part;
    const std::optional<double> number = take_number(rest);
    if (!number) return std::nullopt;
    const std::string_view behind_number = rest;
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    const Unit* const unit = take_unit(rest);
    // A number without a unit is a length only if it stands alone.
    if (unit == nullptr && total) break;
    text = unit == nullptr ? behind_number : rest;
    const int64_t ns = to_ns(*number, unit == nullptr ? bare_unit_ns : unit->ns);
    total = std::min(total.value_or(0) + ns, kLongestDurationNs);
    if (unit == nullptr) break;
    part = next_part(text);
  }
  return total;
}

std::optional<int64_t> read_duration(std::string_view text, int64_t bare_unit_ns) {
  text = trimmed(text);
  const std::optional<int64_t> duration = take_duration(text, bare_unit_ns);
  return text.empty() ? duration : std::nullopt;
}

}  // namespace llmq::provider
