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
constexpr std::array<Unit, 9> kUnits{{{"ms", kNsPerMs},
                                      {"us", 1'000},
                                      {"\u00b5s", 1'000},
                                      {"ns", 1},
                                      {"second", kNsPerSecond},
                                      {"minute", 60 * kNsPerSecond},
                                      {"s", kNsPerSecond},
                                      {"m", 60 * kNsPerSecond},
                                      {"h", 3600 * kNsPerSecond}}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

int64_t to_ns(double number, int64_t unit_ns) {
  const double ns = number * static_cast<double>(unit_ns);
  return ns >= static_cast<double>(kLongestDurationNs) ? kLongestDurationNs : std::llround(ns);
}

const Unit* take_unit(std::string_view& text) {
  const auto* const unit = std::find_if(kUnits.begin(), kUnits.end(), [&text](const Unit& u) {
    return equal_ignoring_case(text.substr(0, u.name.size()), u.name);
  });
  if (unit == kUnits.end()) return nullptr;
  text.remove_prefix(unit->name.size());
  return unit;
}

}  // namespace

std::optional<int64_t> take_duration(std::string_view& text, int64_t bare_unit_ns) {
  std::optional<int64_t> total;
  while (!text.empty() && is_digit(text.front())) {
    const std::optional<double> number = take_number(text);
    if (!number) return std::nullopt;
    std::string_view rest = text.substr(std::min(text.find_first_not_of(' '), text.size()));
    const Unit* const unit = take_unit(rest);
    if (unit != nullptr) text = rest;
    const int64_t ns = to_ns(*number, unit == nullptr ? bare_unit_ns : unit->ns);
    total = std::min(total.value_or(0) + ns, kLongestDurationNs);
    if (unit == nullptr) break;
  }
  return total;
}

std::optional<int64_t> read_duration(std::string_view text, int64_t bare_unit_ns) {
  text = trimmed(text);
  const std::optional<int64_t> duration = take_duration(text, bare_unit_ns);
  return text.empty() ? duration : std::nullopt;
}

}  // namespace llmq::provider
