#include "config/limit_text.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/money.h"
#include "config/config.h"
#include "config/limit_options.h"
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
    "kinds are requests, tokens, input_tokens, output_tokens, concurrency, cost";
constexpr const char* kAmountRange = "an amount that is a whole number 1 .. 1000000000000000";
constexpr const char* kMoneyRange =
    "an amount of money 0.000001 .. 1000000000 with at most 6 decimals";
constexpr const char* kPeriodForm = "a period such as 250ms, 6s, 1m, 2h or 1d";
constexpr int64_t kBillion = 1'000'000'000;

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

core::Error contradiction(const LimitDraft& draft, const std::string& words) {
  return bad_setting(draft.what, quoted(draft.text) + " contradicts itself: " + words);
}

// "500/1m", "12.50/1d" or "8" after the kind.
core::Result<core::Done> read_amount(std::string_view part, LimitDraft& draft) {
  const core::LimitKind kind = draft.entry.spec.kind;
  const size_t slash = part.find('/');
  const std::string_view digits = part.substr(0, slash);
  if (kind == core::LimitKind::kCost) {
    if (!base::read_money(digits, draft.amount) || draft.amount < 1) {
      return bad_value(draft.what, draft.text, kMoneyRange);
    }
  } else {
    const char* const last = digits.data() + digits.size();
    const auto [end, error] = std::from_chars(digits.data(), last, draft.amount);
    if (error != std::errc{} || end != last || draft.amount < 1 ||
        draft.amount > core::kMaxLimitAmount) {
      return bad_value(draft.what, draft.text, kAmountRange);
    }
  }
  draft.has_period = slash != std::string_view::npos;
  if (!draft.has_period) return core::Done{};
  if (kind == core::LimitKind::kConcurrency) {
    return bad_value(draft.what, draft.text, "concurrency without a period");
  }
  const auto parsed = parse_period(part.substr(slash + 1), draft.what);
  if (!parsed) return bad_value(draft.what, draft.text, kPeriodForm);
  draft.period = parsed.value();
  if (draft.period < kLeastPeriod || draft.period > kGreatestPeriod) {
    return bad_value(draft.what, draft.text, "a period of 1s .. 31d");
  }
  return core::Done{};
}

// The period is the calendar's, where there is one.
core::Result<core::Done> settle_period(LimitDraft& draft) {
  const core::LimitSpec& spec = draft.entry.spec;
  if (spec.kind == core::LimitKind::kConcurrency) return core::Done{};
  if (spec.calendar == core::Calendar::kNone) {
    if (draft.has_period) return core::Done{};
    return bad_value(draft.what, draft.text, "a period, such as requests=500/1m, or a calendar");
  }
  const core::DurationNs period = calendar_period(spec.calendar);
  if (draft.has_period && draft.period != period) {
    return contradiction(draft, std::string("calendar=") + core::calendar_name(spec.calendar) +
                                    " and a period of " + core::period_text(draft.period) +
                                    "; leave the period out");
  }
  draft.period = period;
  return core::Done{};
}

// What is left of the provider's amount and burst for this process.
core::Result<core::Done> settle_amounts(LimitDraft& draft) {
  core::LimitSpec& spec = draft.entry.spec;
  if (draft.amount < spec.share) {
    return contradiction(draft, "share=1/" + std::to_string(spec.share) +
                                    " leaves nothing of an amount of " +
                                    amount_text(spec.kind, draft.amount));
  }
  if (draft.burst_billionths > 0) {
    __extension__ using Wide = __int128;
    spec.burst =
        static_cast<int64_t>(static_cast<Wide>(draft.amount) * draft.burst_billionths / kBillion);
  }
  if (draft.entry.burst_given) spec.burst = std::max<int64_t>(spec.burst / spec.share, 1);
  spec.amount = draft.amount / spec.share;
  return core::Done{};
}

}  // namespace

std::optional<core::LimitKind> limit_kind(std::string_view name) {
  using core::LimitKind;
  for (const LimitKind kind :
       {LimitKind::kRequests, LimitKind::kTokens, LimitKind::kInputTokens, LimitKind::kOutputTokens,
        LimitKind::kConcurrency, LimitKind::kCost}) {
    if (core::kind_name(kind) == name) return kind;
  }
  return std::nullopt;
}

bool counts_usage(core::LimitKind kind) {
  return kind != core::LimitKind::kRequests && kind != core::LimitKind::kConcurrency;
}

bool same_limit(const core::LimitSpec& a, const core::LimitSpec& b) {
  return core::is_same_limit(a, b) && a.shape == b.shape && a.charge == b.charge &&
         a.amount == b.amount && a.jitter == b.jitter && a.burst == b.burst && a.slice == b.slice &&
         a.share == b.share && a.shared == b.shared && a.refused_count == b.refused_count &&
         a.oversize_alone == b.oversize_alone;
}

bool same_limits(const std::vector<core::LimitSpec>& a, const std::vector<core::LimitSpec>& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), same_limit);
}

std::string amount_text(core::LimitKind kind, int64_t amount) {
  return kind == core::LimitKind::kCost ? base::money_text(amount) : std::to_string(amount);
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
  LimitDraft draft;
  draft.what = what;
  draft.text = text;
  std::string_view options = trimmed(text);
  std::string_view amount_part = next_part(options, ',');
  const bool options_follow = trimmed(text).size() > amount_part.size();
  const auto kind = limit_kind(next_part(amount_part, '='));
  if (!kind) return bad_value(what, text, kLimitForm);
  draft.entry.spec.kind = *kind;
  auto read = read_amount(amount_part, draft);
  while (read && options_follow) {
    read = read_option(trimmed(next_part(options, ',')), draft);
    if (options.empty()) break;
  }
  if (read) read = settle_period(draft);
  if (read) read = settle_amounts(draft);
  if (!read) return read.error();
  LimitEntry& entry = draft.entry;
  core::LimitSpec& spec = entry.spec;
  spec.period = draft.period;
  if (spec.slice > spec.period) {
    return contradiction(draft, "slice=" + core::period_text(spec.slice) +
                                    " is longer than the period of " +
                                    core::period_text(spec.period));
  }
  if (!entry.jitter_given || entry.jitter_auto) {
    if (spec.kind != core::LimitKind::kConcurrency) spec.jitter = core::default_jitter(spec.period);
  }
  if (spec.calendar != core::Calendar::kNone && !entry.shape_given) {
    spec.shape = core::Shape::kFixed;
    entry.shape_given = true;
  }
  if (entry.shape_given) {
    const std::string fault = shape_fault(entry);
    if (!fault.empty()) return contradiction(draft, fault);
  }
  return entry;
}

core::Result<std::vector<LimitEntry>> parse_limits(std::string_view text, std::string_view what) {
  std::vector<LimitEntry> entries;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(';', begin), text.size());
    auto entry = parse_limit_entry(text.substr(begin, end - begin), what);
    if (!entry) return entry.error();
    for (const LimitEntry& other : entries) {
      if (!core::is_same_limit(other.spec, entry.value().spec)) continue;
      return bad_setting(what, core::limit_name(other.spec) + " is given twice, as " +
                                   amount_text(other.spec.kind, other.spec.amount) + " and as " +
                                   amount_text(other.spec.kind, entry.value().spec.amount));
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

std::string merged_limits(std::string_view text, std::string_view changes) {
  const auto changed = parse_limits(changes, "");
  std::string all;
  while (!text.empty()) {
    const std::string_view one = next_part(text, ';');
    const auto entry = parse_limit_entry(one, "");
    const bool stays =
        entry && changed &&
        std::none_of(changed.value().begin(), changed.value().end(), [&](const LimitEntry& other) {
          return core::is_same_limit(other.spec, entry.value().spec);
        });
    if (stays) all += std::string(one) + ";";
  }
  return all + std::string(changes);
}

}  // namespace llmq::config
