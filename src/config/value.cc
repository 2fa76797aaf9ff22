#include "config/value.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>
#include <set>

#include "base/money.h"
#include "base/utf8.h"
#include "config/keys.h"
#include "config/limit_text.h"
#include "config/url.h"

namespace llmq::config {
namespace {

// All of `text` as an integer; nothing else may stand there.
template <typename T>
bool read_integer(std::string_view text, T& number) {
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  return error == std::errc{} && end == last;
}

bool read_size(std::string_view text, int64_t& bytes) {
  struct Unit {
    std::string_view name;
    int shift;
  };
  static constexpr Unit kUnits[] = {{"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}};
  int shift = 0;
  for (const Unit& unit : kUnits) {
    if (text.size() <= 3 || text.substr(text.size() - 3) != unit.name) continue;
    shift = unit.shift;
    text.remove_suffix(3);
    break;
  }
  if (!read_integer(text, bytes) || bytes < 0) return false;
  if (bytes > std::numeric_limits<int64_t>::max() >> shift) return false;
  bytes <<= shift;
  return true;
}

// A decimal fraction with at most 9 decimals. By hand because strtod obeys the host's locale, and
// libc++ has no from_chars for double.
bool read_fraction(std::string_view text, double& fraction) {
  constexpr size_t kDecimals = 9;
  const size_t dot = text.find('.');
  const std::string_view whole = text.substr(0, dot);
  std::string decimals(dot == std::string_view::npos ? std::string_view() : text.substr(dot + 1));
  if (dot != std::string_view::npos && decimals.empty()) return false;
  if (decimals.size() > kDecimals) return false;
  decimals.resize(kDecimals, '0');
  uint32_t units = 0;
  uint32_t billionths = 0;
  if (!read_integer(whole, units) || !read_integer(std::string_view(decimals), billionths))
    return false;
  if (units > 1 || (units == 1 && billionths > 0)) return false;
  fraction = static_cast<double>(units) + static_cast<double>(billionths) / 1e9;
  return true;
}

bool read_range(std::string_view text, Value& value) {
  const size_t dots = text.find("..");
  if (dots == std::string_view::npos) {
    if (!read_integer(text, value.number)) return false;
    value.high = value.number;
    return true;
  }
  return read_integer(text.substr(0, dots), value.number) &&
         read_integer(text.substr(dots + 2), value.high) && value.number <= value.high;
}

bool read_choice(const Row& row, std::string_view text, int64_t& number) {
  for (const Choice* choice = row.choices; choice->text != nullptr; ++choice) {
    if (choice->text != text) continue;
    number = choice->value;
    return true;
  }
  return false;
}

bool is_variable_name(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  return text.empty() ||
         ((text[0] < '0' || text[0] > '9') && std::all_of(text.begin(), text.end(), fits));
}

// As the tz database names them; whether it has the zone is asked where windows are made.
bool is_zone_name(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '+' || c == '/';
  };
  constexpr size_t kMaxZone = 64;
  return !text.empty() && text.size() <= kMaxZone && text.front() != '/' && text.back() != '/' &&
         std::all_of(text.begin(), text.end(), fits);
}

// The kinds whose error says no more than what the row's type says.
bool read_simple(const Row& row, std::string_view text, Value& value) {
  const auto in_range = [&row](int64_t number) { return number >= row.min && number <= row.max; };
  switch (row.kind) {
    case Kind::kInteger:
      return read_integer(text, value.number) && in_range(value.number);
    case Kind::kUnsigned: {
      uint64_t bits = 0;
      if (!read_integer(text, bits)) return false;
      std::memcpy(&value.number, &bits, sizeof bits);
      return true;
    }
    case Kind::kSize:
      return read_size(text, value.number) && in_range(value.number);
    case Kind::kFraction:
      return read_fraction(text, value.fraction);
    case Kind::kBool:
      value.number = text == "true" || text == "1" ? 1 : 0;
      return value.number == 1 || text == "false" || text == "0";
    case Kind::kChoice:
      return read_choice(row, text, value.number);
    case Kind::kRange:
      return read_range(text, value) && in_range(value.number) && in_range(value.high);
    case Kind::kText:
      value.text = text;
      return base::is_valid_utf8(text) && !has_control_characters(text);
    case Kind::kMoney:
      return base::read_money(text, value.number);
    case Kind::kZone:
      value.text = text;
      return is_zone_name(text);
    case Kind::kVariable:
    case Kind::kUrl:
    case Kind::kLimits:
    case Kind::kNames:
    case Kind::kHeaders:
      break;
  }
  return false;
}

core::Result<core::Done> check_names(std::string_view text, std::string_view what) {
  std::set<std::string> seen;
  for (const std::string& name : names_of(text)) {
    auto fit = check_name(Owner::kPool, name, what);
    if (!fit) return fit;
    if (name == "*") return bad_setting(what, "\"*\" stands for all pools, it is none");
    if (!seen.insert(name).second) return bad_setting(what, quoted(name) + " is named twice");
  }
  return core::Done{};
}

}  // namespace

core::Result<Value> parse_value(const Row& row, std::string_view text, std::string_view what) {
  Value value;
  if (row.word != nullptr && text == row.word) {
    value.is_word = true;
    return value;
  }
  if (row.kind == Kind::kLimits) {
    auto limits = parse_limits(text, what);
    if (!limits) return limits.error();
    value.limits = std::move(limits.value());
    return value;
  }
  if (row.fault != nullptr) {
    if (const char* fault = row.fault(text)) {
      const std::string shown = row.may_be_secret ? "the value" : quoted(text);
      return bad_setting(what, shown + " is not acceptable: " + fault);
    }
  }
  if (row.kind == Kind::kHeaders) {
    value.text = text;
    return value;
  }
  if (row.kind == Kind::kNames) {
    const auto fit = check_names(text, what);
    if (!fit) return fit.error();
    value.text = text;
    return value;
  }
  if (row.kind == Kind::kUrl) {
    if (const char* fault = base_url_fault(text)) {
      // Nothing of a URL with a password in it may reach a log.
      const std::string shown = text.find('@') == std::string_view::npos ? quoted(text) : "the URL";
      return bad_setting(what, shown + " is not acceptable: " + fault);
    }
    value.text = text;
    return value;
  }
  if (row.kind == Kind::kVariable) {
    if (!is_variable_name(text)) {
      return bad_setting(what,
                         "expected the name of an environment variable: letters, digits and _ "
                         "(the value is not shown, since it may be a key itself)");
    }
    value.text = text;
    return value;
  }
  if (read_simple(row, text, value)) return value;
  if (const char* why = row.why_not != nullptr ? row.why_not(text) : nullptr) {
    return bad_setting(what, quoted(text) + " is not acceptable: " + why);
  }
  return bad_value(what, text, row.type_text());
}

core::Error bad_value(std::string_view what, std::string_view value, std::string_view expected) {
  return bad_setting(what, quoted(value) + " is not acceptable: expected " + std::string(expected));
}

core::Error bad_setting(std::string_view what, std::string_view message) {
  return {core::Status::kInvalidValue, std::string(what) + ": " + std::string(message),
          std::string(what)};
}

std::string quoted(std::string_view text) {
  constexpr size_t kShown = 120;
  static constexpr char kHex[] = "0123456789abcdef";
  const bool whole = text.size() <= kShown;
  const bool utf8 = base::is_valid_utf8(text);
  if (!whole) {
    size_t end = kShown;
    while (utf8 && end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    text = text.substr(0, end);
  }
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= ' ' && byte != 0x7f && (byte < 0x80 || utf8)) {
      out += c;
    } else {
      out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out + (whole ? "\"" : "...\"");
}

std::vector<std::string> names_of(std::string_view list) {
  std::vector<std::string> names;
  while (!list.empty()) {
    const size_t end = std::min(list.find(','), list.size());
    std::string_view name = list.substr(0, end);
    while (!name.empty() && name.front() == ' ') name.remove_prefix(1);
    while (!name.empty() && name.back() == ' ') name.remove_suffix(1);
    names.emplace_back(name);
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return names;
}

bool has_control_characters(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < ' ' || byte == 0x7f;
  });
}

}  // namespace llmq::config
