#include "mock/options.h"

#include <array>
#include <optional>

#include "mock/provider.h"

namespace llmq::mock {

namespace {

struct Unit {
  std::string_view name;
  int64_t nanos;
};

constexpr std::array<Unit, 6> kUnits{{{"us", 1'000},
                                      {"ms", 1'000'000},
                                      {"s", 1'000'000'000},
                                      {"m", 60'000'000'000},
                                      {"h", 3'600'000'000'000},
                                      {"d", 86'400'000'000'000}}};

constexpr std::array<Shape, 5> kShapes{Shape::kSliding, Shape::kFixed, Shape::kBucket,
                                       Shape::kQuantised, Shape::kTwoBucket};
constexpr std::array<Told, 3> kTold{Told::kOwn, Told::kBucket, Told::kOff};
constexpr std::array<BucketReset, 2> kBucketResets{BucketReset::kFull, BucketReset::kAmount};
constexpr std::array<Hints, 8> kHints{Hints::kBoth,    Hints::kHeader, Hints::kBody, Hints::kNone,
                                      Hints::kSeconds, Hints::kFloat,  Hints::kMs,   Hints::kDate};
constexpr std::array<LimitKind, 5> kKinds{LimitKind::kRequests, LimitKind::kTokens,
                                          LimitKind::kInputTokens, LimitKind::kOutputTokens,
                                          LimitKind::kConcurrency};
constexpr std::array<Charge, 4> kCharges{Charge::kArrivalInput, Charge::kArrivalMaxTokens,
                                         Charge::kCompletion, Charge::kRealtime};

constexpr std::string_view kLimitForm =
    "KIND=N/PERIOD[,shape=SHAPE][,burst=B][,slice=SPAN][,headers=H][,reset=R][,change=N@SPAN] as "
    "in "
    "requests=300/6s, or concurrency=N";

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

Error expected(std::string_view text, std::string_view what) {
  return Error{quoted(text) + ": expected " + std::string(what)};
}

template <typename T, size_t n>
std::optional<T> named(const std::array<T, n>& values, std::string_view text) {
  for (const T value : values) {
    if (text == name_of(value)) return value;
  }
  return std::nullopt;
}

// At most 18 digits, so that nothing overflows.
std::optional<int64_t> parse_digits(std::string_view text) {
  if (text.empty() || text.size() > 18) return std::nullopt;
  int64_t value = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '9') return std::nullopt;
    value = value * 10 + (digit - '0');
  }
  return value;
}

// text x scale, exactly; nothing if that is no whole number. No floating point: 0.1 must be 100,000
// millionths.
std::optional<int64_t> parse_decimal(std::string_view text, int64_t scale) {
  const size_t dot = text.find('.');
  const std::optional<int64_t> whole = parse_digits(text.substr(0, dot));
  if (!whole) return std::nullopt;
  Wide value = static_cast<Wide>(*whole) * scale;
  if (dot != std::string_view::npos) {
    const std::string_view decimals = text.substr(dot + 1);
    const std::optional<int64_t> fraction = parse_digits(decimals);
    if (!fraction) return std::nullopt;
    Wide power = 1;
    for (size_t i = 0; i < decimals.size(); ++i) power *= 10;
    const Wide scaled = static_cast<Wide>(*fraction) * scale;
    if (scaled % power != 0) return std::nullopt;
    value += scaled / power;
  }
  constexpr int64_t kMost = int64_t{1} << 62U;
  if (value > kMost) return std::nullopt;
  return static_cast<int64_t>(value);
}

// Takes what comes before the separator off the text.
std::string_view take_until(std::string_view& text, char separator) {
  const size_t end = text.find(separator);
  const std::string_view taken = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return taken;
}

// Sets `field` to the value of that name. Returns what is wrong, "" if nothing.
template <typename T, size_t n>
std::string apply_name(std::string_view key, std::string_view value, const std::array<T, n>& values,
                       T& field) {
  if (const std::optional<T> found = named(values, value)) {
    field = *found;
    return "";
  }
  std::string names;
  for (size_t i = 0; i < n; ++i) {
    if (i > 0) names += i + 1 < n ? ", " : " or ";
    names += name_of(values[i]);
  }
  return std::string(key) + ": " + expected(value, names).message;
}

// Which settings a limit was given.
struct Given {
  bool burst = false;
  bool slice = false;
  bool reset = false;
};

// "150@30s". Returns what is wrong, "" if nothing.
std::string apply_change(std::string_view value, LimitSpec& spec) {
  std::string_view when = value;
  const std::optional<int64_t> amount = parse_digits(take_until(when, '@'));
  const Result<Nanos> span = parse_span(when);
  if (!amount || *amount == 0 || !span.ok()) {
    return "change: " + expected(value, "N@SPAN as in 150@30s").message;
  }
  spec.changed_amount = *amount;
  spec.change_at = span.value();
  return "";
}

// Applies one "key=value" behind the amount. Returns what is wrong, "" if nothing.
std::string apply_setting(std::string_view setting, LimitSpec& spec, Given& given) {
  std::string_view value = setting;
  const std::string_view key = take_until(value, '=');
  if (key == "shape") return apply_name(key, value, kShapes, spec.shape);
  if (key == "headers") return apply_name(key, value, kTold, spec.told);
  if (key == "reset") {
    given.reset = true;
    return apply_name(key, value, kBucketResets, spec.bucket_reset);
  }
  if (key == "burst") {
    given.burst = true;
    const std::optional<int64_t> ppm = parse_decimal(value, kFullBurstPpm);
    if (!ppm) return "burst: " + expected(value, "a decimal number such as 0.1").message;
    spec.burst_ppm = *ppm;
    return "";
  }
  if (key == "slice") {
    given.slice = true;
    const Result<Nanos> slice = parse_span(value);
    if (!slice.ok()) return "slice: " + slice.error();
    spec.slice = slice.value();
    return "";
  }
  if (key == "change") return apply_change(value, spec);
  return expected(setting, "shape=, burst=, slice=, headers=, reset= or change=").message;
}

// "300/6s", or "200" for concurrency. Returns what is wrong, "" if nothing.
std::string apply_amount(std::string_view text, LimitSpec& spec) {
  const bool has_period = text.find('/') != std::string_view::npos;
  std::string_view period = text;
  const std::string_view amount = take_until(period, '/');
  const std::optional<int64_t> number = parse_digits(amount);
  if (!number) return expected(amount, "a whole number").message;
  spec.amount = *number;
  if (spec.kind == LimitKind::kConcurrency) {
    return has_period ? "concurrency has no period" : "";
  }
  if (!has_period) return "the period is missing: expected " + std::string(kLimitForm);
  const Result<Nanos> span = parse_span(period);
  if (!span.ok()) return span.error();
  spec.period = span.value();
  return "";
}

std::string fill_limit(std::string_view text, LimitSpec& spec) {
  std::string_view amount = take_until(text, ',');
  const std::string_view kind_name = take_until(amount, '=');
  const std::optional<LimitKind> kind = named(kKinds, kind_name);
  if (!kind || amount.empty()) return "expected " + std::string(kLimitForm);
  spec.kind = *kind;
  if (std::string wrong = apply_amount(amount, spec); !wrong.empty()) return wrong;
  Given given;
  while (!text.empty()) {
    const std::string_view setting = take_until(text, ',');
    if (spec.kind == LimitKind::kConcurrency) return "concurrency has no settings";
    if (std::string wrong = apply_setting(setting, spec, given); !wrong.empty()) return wrong;
  }
  if (given.burst && spec.shape != Shape::kBucket) return "burst needs shape=bucket";
  if (given.reset && (spec.shape != Shape::kBucket || spec.told != Told::kOwn)) {
    return "reset needs shape=bucket and headers=own";
  }
  if (given.slice && spec.shape != Shape::kQuantised) return "slice needs shape=quantised";
  return check_limit_spec(spec);
}

bool is_share(double value) { return value >= 0 && value <= 1; }

}  // namespace

const char* name_of(Charge charge) {
  switch (charge) {
    case Charge::kArrivalInput:
      return "input";
    case Charge::kArrivalMaxTokens:
      return "max_tokens";
    case Charge::kCompletion:
      return "completion";
    case Charge::kRealtime:
      return "realtime";
  }
  return "unknown";
}

const char* name_of(Hints hints) {
  switch (hints) {
    case Hints::kBoth:
      return "both";
    case Hints::kHeader:
      return "header";
    case Hints::kBody:
      return "body";
    case Hints::kNone:
      return "none";
    case Hints::kSeconds:
      return "seconds";
    case Hints::kFloat:
      return "float";
    case Hints::kMs:
      return "ms";
    case Hints::kDate:
      return "date";
  }
  return "unknown";
}

std::string check_options(const Options& options) {
  for (const LimitSpec& spec : options.limits) {
    const std::string wrong = check_limit_spec(spec);
    if (!wrong.empty()) return "limit " + label_of(spec) + ": " + wrong;
  }
  if (options.latency_min < Nanos(0) || options.latency_max < options.latency_min ||
      options.latency_max > kMaxPeriod) {
    return "latency: expected 0 <= least <= most <= 366d";
  }
  if (options.retry_after < Nanos(0) || options.retry_after > kMaxPeriod) {
    return "retry_after: expected 0 to 366d";
  }
  if (options.output_tokens_min < 1 || options.output_tokens_max < options.output_tokens_min ||
      options.output_tokens_max > kMaxOutputTokens) {
    return "output tokens: expected 1 <= least <= most <= " + std::to_string(kMaxOutputTokens);
  }
  if (find_provider(options.provider) == nullptr) {
    return "provider: " + expected(options.provider, provider_names()).message;
  }
  if (options.header_lag < 0 || options.header_lag > kMaxHeaderLag) {
    return "header lag: expected 0 to " + std::to_string(kMaxHeaderLag) + " replies";
  }
  if (options.quota_after < 0) return "quota: expected 0 or more calls";
  if (!is_share(options.other_users)) return "other users: the share must be from 0 to 1";
  if (!is_share(options.wrong_headers)) return "wrong headers: the share must be from 0 to 1";
  if (options.tokens_per_s < 0 || options.tokens_per_s > kMaxTokensPerS) {
    return "tokens per second: expected 0 to " + std::to_string(kMaxTokensPerS);
  }
  if (options.piece_tokens < 1 || options.piece_tokens > kMaxOutputTokens) {
    return "piece: expected 1 to " + std::to_string(kMaxOutputTokens) + " tokens";
  }
  double total = 0;
  for (const double share :
       {options.fail_server, options.fail_overloaded, options.fail_rate_limited,
        options.fail_rate_limited_bare, options.fail_reset, options.fail_hang,
        options.fail_stream_first, options.fail_stream_error, options.fail_stream_cut,
        options.fail_stream_end, options.fail_stream_stall}) {
    if (!is_share(share)) return "failures: each share must be from 0 to 1";
    total += share;
  }
  // Ten shares of 0.1 are a hair more than 1.
  if (total > 1 + 1e-9) return "failures: the shares add up to more than 1";
  return "";
}

Result<LimitSpec> parse_limit(std::string_view text) {
  LimitSpec spec;
  const std::string wrong = fill_limit(text, spec);
  if (!wrong.empty()) return Error{"limit " + quoted(text) + ": " + wrong};
  return spec;
}

Result<Charge> parse_charge(std::string_view text) {
  Charge charge{};
  std::string wrong = apply_name("charge", text, kCharges, charge);
  if (!wrong.empty()) return Error{std::move(wrong)};
  return charge;
}

Result<Hints> parse_hints(std::string_view text) {
  Hints hints{};
  std::string wrong = apply_name("hints", text, kHints, hints);
  if (!wrong.empty()) return Error{std::move(wrong)};
  return hints;
}

Result<Nanos> parse_span(std::string_view text) {
  const Error error = expected(text, "a span such as 20ms, 6s, 1m or 1d, of at most 366d");
  const size_t unit_start = text.find_first_not_of("0123456789.");
  if (unit_start == std::string_view::npos) {
    if (text == "0") return Nanos(0);
    return error;
  }
  for (const Unit& unit : kUnits) {
    if (text.substr(unit_start) != unit.name) continue;
    const std::optional<int64_t> nanos = parse_decimal(text.substr(0, unit_start), unit.nanos);
    if (!nanos || Nanos(*nanos) > kMaxPeriod) return error;
    return Nanos(*nanos);
  }
  return error;
}

Result<std::pair<Nanos, Nanos>> parse_span_range(std::string_view text) {
  const size_t dots = text.find("..");
  const Result<Nanos> low = parse_span(text.substr(0, dots));
  const Result<Nanos> high =
      dots == std::string_view::npos ? low : parse_span(text.substr(dots + 2));
  if (!low.ok() || !high.ok()) return expected(text, "a span or a range such as 20ms..80ms");
  if (low.value() > high.value()) return expected(text, "the shorter span first");
  return std::pair<Nanos, Nanos>(low.value(), high.value());
}

std::string format_span(Nanos span) {
  for (size_t i = kUnits.size(); i-- > 0;) {
    const Unit& unit = kUnits[i];
    if (span.count() > 0 && span.count() % unit.nanos == 0) {
      return std::to_string(span.count() / unit.nanos).append(unit.name);
    }
  }
  return span.count() == 0 ? "0s" : std::to_string(span.count()) + "ns";
}

std::string label_of(const LimitSpec& spec) {
  if (spec.kind == LimitKind::kConcurrency) return name_of(spec.kind);
  return std::string(name_of(spec.kind)) + "/" + format_span(spec.period);
}

}  // namespace llmq::mock
