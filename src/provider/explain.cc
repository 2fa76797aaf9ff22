#include "provider/explain.h"

#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "core/policy/retry.h"
#include "provider/answer.h"
#include "provider/error_body.h"
#include "provider/explain_input.h"
#include "provider/json.h"
#include "provider/rate_limit_headers.h"
#include "provider/refusal.h"
#include "provider/stream_reader.h"
#include "provider/usage.h"

namespace llmq::provider {
namespace {

using core::kNotTold;
using core::Status;

constexpr int64_t kNsPerMs = 1'000'000;

// All that is known of one answer.
struct Explained {
  Outcome outcome;
  UsageCounts counts;
  RateLimitHeaders limits;
  core::Refusal refusal;
  bool is_stream = false;
  bool partial_output = false;
  std::string stream_end;
};

// Null where nothing is told.
void put_number(cJSON* object, const char* name, int64_t value) {
  if (value < 0) {
    base::add_null(object, name);
  } else {
    base::add_number(object, name, value);
  }
}

void put_text(cJSON* object, const char* name, const char* text) {
  if (text == nullptr || *text == '\0') {
    base::add_null(object, name);
  } else {
    base::add_text(object, name, text);
  }
}

void put_if(cJSON* object, const char* name, const std::string& text) {
  if (!text.empty()) base::add_text(object, name, text.c_str());
}

int64_t to_ms_up(core::DurationNs length) {
  return length.ns < 0 ? -1 : length.ns / kNsPerMs + (length.ns % kNsPerMs > 0 ? 1 : 0);
}

const char* hint_name(HintSource source) {
  switch (source) {
    case HintSource::kNone:
      return nullptr;
    case HintSource::kHeader:
      return "header";
    case HintSource::kResetHeader:
      return "reset_header";
    case HintSource::kBody:
      return "body";
    case HintSource::kBodyText:
      return "body_text";
  }
  return nullptr;
}

const char* class_name(Status failure, int http_status) {
  switch (failure) {
    case Status::kOk:
      return nullptr;
    case Status::kRateLimited:
      return "rate_limit";
    case Status::kQuotaExhausted:
      return "quota";
    case Status::kOverloaded:
      return "overloaded";
    case Status::kAuth:
      return "auth";
    case Status::kContextTooLong:
      return "context_length";
    case Status::kContentFilter:
      return "content_filter";
    case Status::kOversize:
      return http_status == 429 ? "rate_limit" : "bad_request";
    case Status::kServer:
    case Status::kTimeout:
    case Status::kTransport:
      return "server_error";
    default:
      return "bad_request";
  }
}

base::Json limit_json(const core::Observation& seen) {
  base::Json made(base::new_object());
  put_number(made.get(), "limit", seen.limit);
  put_number(made.get(), "remaining", seen.remaining);
  put_number(made.get(), "reset_ms", to_ms_up(seen.reset));
  if (seen.period.ns > 0) base::add_number(made.get(), "window_ms", to_ms_up(seen.period));
  return made;
}

// The four kinds of the account's own limits: of several windows the shortest, for it binds first.
constexpr Counted kMain[] = {Counted::kRequests, Counted::kTokens, Counted::kInputTokens,
                             Counted::kOutputTokens};

struct Groups {
  std::optional<core::Observation> main[4];
  std::vector<RateLimitHeaders::Shown> others;
};

Groups sorted_groups(const RateLimitHeaders& limits, int64_t now_unix_ms) {
  Groups groups;
  for (size_t i = 0; i < limits.size(); ++i) {
    const auto shown = limits.at(i, now_unix_ms);
    if (!shown) continue;
    std::optional<core::Observation>* slot = nullptr;
    for (size_t k = 0; k < 4; ++k) {
      if (shown->counted == kMain[k] && shown->scope == Scope::kAccount) slot = &groups.main[k];
    }
    if (slot == nullptr) {
      groups.others.push_back(*shown);
    } else if (!*slot) {
      *slot = shown->seen;
    } else {
      RateLimitHeaders::Shown longer = *shown;
      if ((*slot)->period.ns > longer.seen.period.ns) std::swap(**slot, longer.seen);
      groups.others.push_back(longer);
    }
  }
  return groups;
}

void put_limits(const Groups& groups, cJSON* to) {
  cJSON* const limits = base::add_object(to, "limits");
  for (size_t k = 0; k < 4; ++k) {
    const char* const name = counted_name(kMain[k]);
    if (groups.main[k]) {
      base::add(limits, name, limit_json(*groups.main[k]).release());
    } else {
      base::add_null(limits, name);
    }
  }
}

void put_other_limits(const Groups& groups, cJSON* to) {
  if (groups.others.empty()) return;
  cJSON* const list = base::add_array(to, "other_limits");
  for (const RateLimitHeaders::Shown& shown : groups.others) {
    base::Json made = limit_json(shown.seen);
    const std::string scope = scope_name(shown.scope);
    const std::string name = (scope.empty() ? "" : scope + "_") + counted_name(shown.counted);
    base::add_text(made.get(), "dim", name.c_str());
    base::append(list, made.release());
  }
}

// A reset that is the time to a full bucket tells its window: reset * limit / used, near a minute
// or a day.
int64_t inferred_window_ms(const core::Observation& seen) {
  if (seen.limit <= 0 || seen.remaining < 0 || seen.reset.ns <= 0 || seen.period.ns > 0) return 0;
  const int64_t used = seen.limit - seen.remaining;
  if (used <= 0) return 0;
  const double window_ms = static_cast<double>(seen.reset.ns) / 1e6 *
                           static_cast<double>(seen.limit) / static_cast<double>(used);
  for (const int64_t known : {60'000, 86'400'000}) {
    if (std::abs(window_ms / static_cast<double>(known) - 1) <= 0.1) return known;
  }
  return 0;
}

void put_inferred_windows(const Groups& groups, cJSON* to) {
  base::Json windows(base::new_object());
  for (size_t k = 0; k < 4; ++k) {
    const int64_t window = groups.main[k] ? inferred_window_ms(*groups.main[k]) : 0;
    if (window > 0) base::add_number(windows.get(), counted_name(kMain[k]), window);
  }
  if (windows->child != nullptr) {
    base::add(to, "inferred_windows_ms", windows.release());
  }
}

void put_usage_of(const Explained& of, cJSON* to) {
  if (!of.outcome.usage_known) {
    base::add_null(to, "usage");
    return;
  }
  cJSON* const usage = base::add_object(to, "usage");
  base::add_number(usage, "input_tokens", of.outcome.usage.input_tokens);
  base::add_number(usage, "output_tokens", of.outcome.usage.output_tokens);
  base::add_number(usage, "cached_input_tokens", of.outcome.usage.cached_input_tokens);
}

const char* dimension_of(core::LimitKind kind) {
  switch (kind) {
    case core::LimitKind::kRequests:
      return "requests";
    case core::LimitKind::kTokens:
      return "tokens";
    case core::LimitKind::kInputTokens:
      return "input_tokens";
    case core::LimitKind::kOutputTokens:
      return "output_tokens";
    default:
      return "concurrency";
  }
}

void put_body_limit(const core::Refusal& refusal, cJSON* to) {
  if (!refusal.kind_told) return;
  if (refusal.kind == core::LimitKind::kConcurrency) {
    base::add_text(to, "limit_kind", "concurrency");
    return;
  }
  if (refusal.limit == kNotTold) return;
  cJSON* const limit = base::add_object(to, "body_limit");
  base::add_text(limit, "dim", dimension_of(refusal.kind));
  base::add_number(limit, "limit", refusal.limit);
  if (refusal.used != kNotTold) base::add_number(limit, "used", refusal.used);
  if (refusal.requested != kNotTold) base::add_number(limit, "requested", refusal.requested);
  if (refusal.period.ns > 0) base::add_number(limit, "window_ms", to_ms_up(refusal.period));
}

void put_extras(const Explained& of, const Groups& groups, cJSON* to) {
  put_if(to, "message", of.outcome.message);
  put_other_limits(groups, to);
  put_inferred_windows(groups, to);
  put_body_limit(of.refusal, to);
  if (of.outcome.usage.reasoning_tokens > 0) {
    base::add_number(to, "reasoning_tokens", of.outcome.usage.reasoning_tokens);
  }
  if (of.limits.charged_tokens() != kNotTold) {
    base::add_number(to, "charged_tokens", of.limits.charged_tokens());
  }
  if (of.outcome.usage_known && of.counts.cache_is_free) {
    base::add_number(to, "charged_input_tokens",
                     of.outcome.usage.input_tokens - of.outcome.usage.cached_input_tokens);
  }
  if (!of.is_stream) return;
  put_if(to, "stream_end", of.stream_end);
  if (of.outcome.status == Status::kOk) return;
  put_if(to, "stream_error", of.outcome.error_name.empty() ? "error" : of.outcome.error_name);
  base::add_bool(to, "partial_output", of.partial_output ? 1 : 0);
}

std::string to_json(const Explained& of, int http_status, int64_t now_unix_ms) {
  const base::Json made(base::new_object());
  cJSON* const to = made.get();
  const bool hinted = of.outcome.hint_source != HintSource::kNone;
  const Groups groups = sorted_groups(of.limits, now_unix_ms);
  base::add_bool(to, "retryable", core::is_transient(of.outcome.status) ? 1 : 0);
  put_number(to, "retry_after_ms", hinted ? to_ms_up(of.outcome.retry_after) : -1);
  put_text(to, "hint_source", hint_name(of.outcome.hint_source));
  put_limits(groups, to);
  put_usage_of(of, to);
  put_text(to, "error_class", class_name(of.outcome.failure, http_status));
  base::add_text(to, "status", core::status_name(of.outcome.status));
  put_extras(of, groups, to);
  return base::json_text(to);
}

void read_whole(const ExplainInput& input, Explained& explained) {
  const ParsedJson parsed = parse_json(input.response.body);
  explained.outcome =
      parse_response(*input.profile, input.operation, input.response, input.now_unix_ms);
  explained.counts = read_usage(parsed.value.get());
  ErrorBody error;
  if (explained.outcome.failure != Status::kOk) error = read_error_body(parsed.value.get());
  explained.limits = read_limits(*input.profile, input.response.headers, error);
  explained.refusal = refusal_of(error);
}

void read_stream(const ExplainInput& input, Explained& explained) {
  StreamReader reader(*input.profile, input.operation, *input.stream);
  std::vector<StreamEvent> events;
  reader.feed(input.response.body, events);
  WireResponse head = input.response;
  head.body.clear();
  explained.is_stream = true;
  explained.outcome = reader.finish(head, input.now_unix_ms, events);
  explained.counts = reader.usage();
  explained.partial_output = reader.output_begun();
  explained.limits = read_limits(*input.profile, input.response.headers, {});
  if (explained.outcome.status == Status::kOk) {
    explained.stream_end = reader.end() == nullptr ? "connection close" : reader.end();
  }
}

}  // namespace

core::Result<std::string> explain(std::string_view provider, std::string_view line) {
  auto input = read_explain_input(provider, line);
  if (!input) return input.error();
  Explained explained;
  if (input.value().stream) {
    read_stream(input.value(), explained);
  } else {
    read_whole(input.value(), explained);
  }
  return to_json(explained, input.value().response.http_status, input.value().now_unix_ms);
}

}  // namespace llmq::provider
