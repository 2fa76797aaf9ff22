#include "config/limit_options.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "config/config.h"
#include "config/limit_text.h"
#include "core/limit/limit_names.h"

namespace llmq::config {

using core::Calendar;
using core::ChargeModel;
using core::Done;
using core::LimitKind;
using core::Result;
using core::Shape;

const Choice kShapeWords[] = {{"sliding", static_cast<int64_t>(Shape::kSliding)},
                              {"bucket", static_cast<int64_t>(Shape::kBucket)},
                              {"fixed", static_cast<int64_t>(Shape::kFixed)},
                              {"paced", static_cast<int64_t>(Shape::kPaced)},
                              {"quantised", static_cast<int64_t>(Shape::kQuantised)},
                              {"auto", static_cast<int64_t>(Shape::kAuto)},
                              {nullptr, 0}};
const Choice kChargeWords[] = {{"arrival", static_cast<int64_t>(ChargeModel::kArrival)},
                               {"completion", static_cast<int64_t>(ChargeModel::kCompletion)},
                               {"realtime", static_cast<int64_t>(ChargeModel::kRealtime)},
                               {"actual", static_cast<int64_t>(ChargeModel::kActual)},
                               {"unknown", static_cast<int64_t>(ChargeModel::kUnknown)},
                               {nullptr, 0}};

namespace {

constexpr Choice kCalendars[] = {{"minute", static_cast<int64_t>(Calendar::kMinute)},
                                 {"hour", static_cast<int64_t>(Calendar::kHour)},
                                 {"day", static_cast<int64_t>(Calendar::kDay)},
                                 {"week", static_cast<int64_t>(Calendar::kWeek)},
                                 {"month", static_cast<int64_t>(Calendar::kMonth)},
                                 {nullptr, 0}};
constexpr Choice kRefused[] = {{"count", 1}, {"free", 0}, {nullptr, 0}};
constexpr Choice kOversize[] = {{"alone", 1}, {"refuse", 0}, {nullptr, 0}};
constexpr int64_t kMaxParts = 100'000;
constexpr int64_t kBillion = 1'000'000'000;

core::Error refuse(const LimitDraft& draft, std::string_view expected) {
  return bad_value(draft.what, draft.text, expected);
}

Result<int64_t> choose(const LimitDraft& draft, const char* name, std::string_view value,
                       const Choice* choices) {
  std::string all;
  for (const Choice* choice = choices; choice->text != nullptr; ++choice) {
    if (value == choice->text) return choice->value;
    all += std::string(choice == choices ? "" : ", ") + choice->text;
  }
  return refuse(draft, std::string(name) + "= one of " + all + "; it is " + quoted(value));
}

bool read_whole(std::string_view text, int64_t& number) {
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  return error == std::errc{} && end == last && number >= 0;
}

Result<Done> read_shape(std::string_view value, LimitDraft& draft) {
  const auto shape = choose(draft, "shape", value, kShapeWords);
  if (!shape) return shape.error();
  draft.entry.spec.shape = static_cast<Shape>(shape.value());
  draft.entry.shape_given = true;
  return Done{};
}

// A whole number, or with a point the part of the amount that it is.
Result<Done> read_burst(std::string_view value, LimitDraft& draft) {
  const core::Error wrong =
      refuse(draft,
             "burst= a whole number 1 .. 1000000000000000, or a part of the amount such as 0.1, at "
             "most 1.0; it is " +
                 quoted(value));
  const size_t dot = value.find('.');
  if (dot == std::string_view::npos) {
    int64_t& burst = draft.entry.spec.burst;
    if (!read_whole(value, burst) || burst < 1 || burst > core::kMaxLimitAmount) return wrong;
    draft.entry.burst_given = true;
    return Done{};
  }
  constexpr size_t kDecimals = 9;
  std::string decimals(value.substr(dot + 1));
  if (decimals.empty() || decimals.size() > kDecimals) return wrong;
  decimals.resize(kDecimals, '0');
  int64_t whole = 0;
  int64_t part = 0;
  if (!read_whole(value.substr(0, dot), whole) || !read_whole(decimals, part) || whole > 1) {
    return wrong;
  }
  draft.burst_billionths = whole * kBillion + part;
  if (draft.burst_billionths < 1 || draft.burst_billionths > kBillion) return wrong;
  draft.entry.burst_given = true;
  return Done{};
}

Result<Done> read_slice(std::string_view value, LimitDraft& draft) {
  const auto slice = parse_period(value, draft.what);
  if (!slice || slice.value() < kLeastPeriod || slice.value() > kGreatestPeriod) {
    return refuse(draft, "slice= a time of 1s up to the period; it is " + quoted(value));
  }
  draft.entry.spec.slice = slice.value();
  draft.entry.slice_given = true;
  return Done{};
}

Result<Done> read_charge(std::string_view value, LimitDraft& draft) {
  if (!counts_usage(draft.entry.spec.kind)) {
    return refuse(draft, "charge at limits of tokens or cost alone");
  }
  const auto charge = choose(draft, "charge", value, kChargeWords);
  if (!charge) return charge.error();
  draft.entry.spec.charge = static_cast<ChargeModel>(charge.value());
  draft.entry.charge_given = true;
  return Done{};
}

Result<Done> read_jitter(std::string_view value, LimitDraft& draft) {
  draft.entry.jitter_given = true;
  if (value == "auto") {
    draft.entry.jitter_auto = true;
    return Done{};
  }
  constexpr core::DurationNs kGreatestJitter = core::seconds(3600);
  const auto jitter = parse_period(value, draft.what);
  if (!jitter || jitter.value() > kGreatestJitter) {
    return refuse(draft,
                  "jitter= a time such as 20ms, at most 1h, or auto; it is " + quoted(value));
  }
  draft.entry.spec.jitter = jitter.value();
  return Done{};
}

Result<Done> read_calendar(std::string_view value, LimitDraft& draft) {
  const auto calendar = choose(draft, "calendar", value, kCalendars);
  if (!calendar) return calendar.error();
  draft.entry.spec.calendar = static_cast<Calendar>(calendar.value());
  return Done{};
}

Result<Done> read_share(std::string_view value, LimitDraft& draft) {
  int64_t parts = 0;
  if (value.substr(0, 2) != "1/" || !read_whole(value.substr(2), parts) || parts < 1 ||
      parts > kMaxParts) {
    return refuse(draft, "share=1/N with N = 1 .. 100000; it is " + quoted(value));
  }
  draft.entry.spec.share = static_cast<uint32_t>(parts);
  return Done{};
}

Result<Done> read_per_tenant(std::string_view value, LimitDraft& draft) {
  if (!value.empty()) return refuse(draft, "per_tenant without a value; it is " + quoted(value));
  draft.entry.spec.per_tenant = true;
  return Done{};
}

Result<Done> read_refused(std::string_view value, LimitDraft& draft) {
  if (draft.entry.spec.kind != LimitKind::kRequests) {
    return refuse(draft, "refused at limits of requests alone: a refused call uses no tokens");
  }
  const auto counts = choose(draft, "refused", value, kRefused);
  if (!counts) return counts.error();
  draft.entry.spec.refused_count = counts.value() != 0;
  return Done{};
}

Result<Done> read_oversize(std::string_view value, LimitDraft& draft) {
  if (!counts_usage(draft.entry.spec.kind)) {
    return refuse(draft, "oversize at limits of tokens or cost alone: every call counts one here");
  }
  const auto alone = choose(draft, "oversize", value, kOversize);
  if (!alone) return alone.error();
  draft.entry.spec.oversize_alone = alone.value() != 0;
  return Done{};
}

struct Option {
  const char* name;
  bool timed;  // not at limits of concurrency, which have no period
  Result<Done> (*read)(std::string_view value, LimitDraft& draft);
};
constexpr Option kOptions[] = {
    {"shape", true, read_shape},     {"burst", true, read_burst},
    {"slice", true, read_slice},     {"charge", true, read_charge},
    {"jitter", true, read_jitter},   {"calendar", true, read_calendar},
    {"share", false, read_share},    {"per_tenant", false, read_per_tenant},
    {"refused", true, read_refused}, {"oversize", true, read_oversize},
};

}  // namespace

Result<Done> read_option(std::string_view option, LimitDraft& draft) {
  const size_t equals = option.find('=');
  const std::string_view name = option.substr(0, equals);
  const std::string_view value =
      equals == std::string_view::npos ? std::string_view() : option.substr(equals + 1);
  uint32_t bit = 1;
  for (const Option& known : kOptions) {
    if (name != known.name) {
      bit <<= 1U;
      continue;
    }
    if (known.timed && draft.entry.spec.kind == LimitKind::kConcurrency) {
      return refuse(draft, std::string(known.name) + " at limits with a period alone");
    }
    if ((draft.seen & bit) != 0) return refuse(draft, std::string(known.name) + " once");
    draft.seen |= bit;
    return known.read(value, draft);
  }
  return refuse(draft, "no option but " + option_names() + "; one is " + quoted(option));
}

bool is_option(std::string_view name) {
  return std::any_of(std::begin(kOptions), std::end(kOptions),
                     [name](const Option& option) { return name == option.name; });
}

std::string option_names() {
  std::string all;
  for (const Option& option : kOptions) all += (all.empty() ? "" : ", ") + std::string(option.name);
  return all;
}

core::DurationNs calendar_period(Calendar calendar) {
  switch (calendar) {
    case Calendar::kNone:
      break;
    case Calendar::kMinute:
      return core::seconds(60);
    case Calendar::kHour:
      return core::seconds(3600);
    case Calendar::kDay:
      return core::seconds(24 * 3600);
    case Calendar::kWeek:
      return core::seconds(7 * 24 * 3600);
    case Calendar::kMonth:
      return core::seconds(31 * 24 * 3600);
  }
  return {};
}

std::string shape_fault(const LimitEntry& entry) {
  const core::LimitSpec& spec = entry.spec;
  const std::string shape = core::shape_name(spec.shape);
  if (entry.burst_given && spec.shape != Shape::kBucket && spec.shape != Shape::kAuto) {
    return "burst=" + amount_text(spec.kind, spec.burst) +
           " belongs to shape=bucket or shape=auto, not to shape=" + shape;
  }
  if (entry.slice_given && spec.shape != Shape::kQuantised && spec.shape != Shape::kAuto) {
    return "slice=" + core::period_text(spec.slice) +
           " belongs to shape=quantised or shape=auto, not to shape=" + shape;
  }
  if (spec.calendar != Calendar::kNone && spec.shape != Shape::kFixed) {
    return std::string("calendar=") + core::calendar_name(spec.calendar) +
           " has fixed windows: shape=" + shape + " contradicts it";
  }
  return "";
}

}  // namespace llmq::config
