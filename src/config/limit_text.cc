#include "config/limit_text.h"

#include <charconv>
#include <limits>

#include "config/config.h"
#include "core/limit/limit_names.h"

namespace llmq::config {
namespace {

struct Unit {
  const char* name;
  int64_t ns;
};
constexpr Unit kUnits[] = {
    {"d", 86'400'000'000'000}, {"h", 3'600'000'000'000}, {"m", 60'000'000'000},
    {"s", 1'000'000'000},      {"ms", 1'000'000},
};

constexpr const char* kLimitForm =
    "KIND=AMOUNT/PERIOD such as requests=500/1m, tokens=30000/1m,charge=arrival or concurrency=8; "
    "kinds are "
    "requests, tokens, input_tokens, output_tokens, concurrency";
constexpr const char* kAmountRange = "an amount that is a whole number 1 .. 1000000000000000";
constexpr const char* kPeriodForm = "a period such as 250ms, 6s, 1m, 2h or 1d";

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// Takes the part before the separator off the front of `rest`.
std::string_view next_part(std::string_view& rest, char separator) {
  const size_t end = rest.find(separator);
  const std::string_view part = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return part;
}

core::Result<core::Done> read_option(std::string_view option, std::string_view what,
                                     std::string_view text, LimitEntry& entry) {
  std::string_view value = option;
  const std::string_view name = next_part(value, '=');
  if (name == "jitter") {
    if (entry.spec.kind == core::LimitKind::kConcurrency) {
      return bad_value(what, text, "jitter at limits with a period alone");
    }
    if (entry.jitter_given) return bad_value(what, text, "jitter once");
    auto jitter = parse_period(value, what);
    if (!jitter) return jitter.error();
    entry.spec.jitter = jitter.value();
    entry.jitter_given = true;
    return core::Done{};
  }
  if (name != "charge") return bad_value(what, text, "no option but charge and jitter");
  const auto charge = charge_model(value);
  if (!charge) return bad_value(what, text, "charge=" + std::string(kChargeNames));
  if (!counts_tokens(entry.spec.kind))
    return bad_value(what, text, "charge at limits of tokens alone");
  if (entry.charge_given) return bad_value(what, text, "charge once");
  entry.spec.charge = *charge;
  entry.charge_given = true;
  return core::Done{};
}

}  // namespace

std::optional<core::LimitKind> limit_kind(std::string_view name) {
  using core::LimitKind;
  for (const LimitKind kind : {LimitKind::kRequests, LimitKind::kTokens, LimitKind::kInputTokens,
                               LimitKind::kOutputTokens, LimitKind::kConcurrency}) {
    if (core::kind_name(kind) == name) return kind;
  }
  return std::nullopt;
}

bool counts_tokens(core::LimitKind kind) {
  return kind != core::LimitKind::kRequests && kind != core::LimitKind::kConcurrency;
}

std::optional<core::ChargeModel> charge_model(std::string_view name) {
  using core::ChargeModel;
  for (const ChargeModel charge : {ChargeModel::kArrival, ChargeModel::kCompletion,
                                   ChargeModel::kRealtime, ChargeModel::kActual}) {
    if (core::charge_name(charge) == name) return charge;
  }
  return std::nullopt;
}

bool same_subject(const core::LimitSpec& a, const core::LimitSpec& b) {
  return a.kind == b.kind && a.period == b.period;
}

core::Result<LimitEntry> make_limit(core::LimitKind kind, int64_t amount, core::DurationNs period,
                                    std::string_view what) {
  if (amount < 1 || amount > core::kMaxLimitAmount) {
    return bad_value(what, std::to_string(amount), kAmountRange);
  }
  LimitEntry entry;
  entry.spec.kind = kind;
  entry.spec.amount = amount;
  if (kind == core::LimitKind::kConcurrency) return entry;
  if (period < kLeastPeriod || period > kGreatestPeriod) {
    return bad_value(what, core::period_text(period), "a period of 1s .. 31d");
  }
  entry.spec.period = period;
  entry.spec.jitter = core::default_jitter(period);
  return entry;
}

core::Result<core::DurationNs> parse_period(std::string_view text, std::string_view what) {
  int64_t count = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, count);
  if (error != std::errc{} || count < 0) return bad_value(what, text, kPeriodForm);
  const std::string_view unit_name(end, static_cast<size_t>(last - end));
  for (const Unit& unit : kUnits) {
    if (unit.name != unit_name) continue;
    if (count > std::numeric_limits<int64_t>::max() / unit.ns) {
      return bad_value(what, text, "a period that fits 64 bits of nanoseconds");
    }
    return core::nanoseconds(count * unit.ns);
  }
  return bad_value(what, text, kPeriodForm);
}

core::Result<LimitEntry> parse_limit_entry(std::string_view text, std::string_view what) {
  std::string_view options = trimmed(text);
  std::string_view period_part = next_part(options, ',');
  const bool options_follow = trimmed(text).size() > period_part.size();
  std::string_view amount_part = period_part;
  const auto kind = limit_kind(next_part(amount_part, '='));
  if (!kind) return bad_value(what, text, kLimitForm);
  const size_t slash = amount_part.find('/');
  const std::string_view digits = amount_part.substr(0, slash);
  int64_t amount = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), amount);
  if (error != std::errc{} || end != digits.data() + digits.size() || amount < 1 ||
      amount > core::kMaxLimitAmount) {
    return bad_value(what, text, kAmountRange);
  }
  core::DurationNs period{};
  const bool has_period = slash != std::string_view::npos;
  if (has_period == (*kind == core::LimitKind::kConcurrency)) {
    return bad_value(
        what, text,
        has_period ? "concurrency without a period" : "a period, such as requests=500/1m");
  }
  if (has_period) {
    auto parsed = parse_period(amount_part.substr(slash + 1), what);
    if (!parsed) return bad_value(what, text, kPeriodForm);
    period = parsed.value();
    if (period < kLeastPeriod || period > kGreatestPeriod) {
      return bad_value(what, text, "a period of 1s .. 31d");
    }
  }
  auto entry = make_limit(*kind, amount, period, what);
  if (!entry || !options_follow) return entry;
  do {
    auto read = read_option(trimmed(next_part(options, ',')), what, text, entry.value());
    if (!read) return read.error();
  } while (!options.empty());
  return entry;
}

core::Result<std::vector<LimitEntry>> parse_limits(std::string_view text, std::string_view what) {
  std::vector<LimitEntry> entries;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(';', begin), text.size());
    auto entry = parse_limit_entry(text.substr(begin, end - begin), what);
    if (!entry) return entry.error();
    for (const LimitEntry& other : entries) {
      if (!same_subject(other.spec, entry.value().spec)) continue;
      return bad_setting(what, core::limit_name(other.spec) + " is given twice, as " +
                                   std::to_string(other.spec.amount) + " and as " +
                                   std::to_string(entry.value().spec.amount));
    }
    entries.push_back(entry.value());
    begin = end + 1;
  }
  if (entries.size() > static_cast<size_t>(core::kMaxLimitsPerModel)) {
    return bad_setting(what, std::to_string(entries.size()) + " limits are more than the " +
                                 std::to_string(core::kMaxLimitsPerModel) +
                                 " that a model may have");
  }
  return entries;
}

}  // namespace llmq::config
