#include "mock/headers.h"

#include <algorithm>

#include "mock/limit_words.h"
#include "mock/timestamp.h"

namespace llmq::mock {

namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

int64_t units_rounded_up(Nanos span, Nanos unit) {
  if (span.count() <= 0) return 0;
  return static_cast<int64_t>(ceil_div(span.count(), unit.count()));
}

// "12" and "000340" -> "12.00034"
std::string with_decimals(const std::string& whole, std::string decimals) {
  decimals.erase(decimals.find_last_not_of('0') + 1);
  return decimals.empty() ? whole : whole + "." + decimals;
}

// value / scale, for a scale that is a power of ten.
std::string fraction_text(int64_t value, int64_t scale) {
  return with_decimals(std::to_string(value / scale),
                       std::to_string(scale + value % scale).substr(1));
}

// The one kind of tokens that most providers' headers know.
std::optional<LimitView> token_view(const LimitNews& news) {
  for (const LimitKind kind :
       {LimitKind::kTokens, LimitKind::kInputTokens, LimitKind::kOutputTokens}) {
    if (auto view = news.account->view(kind, news.now)) return view;
  }
  return std::nullopt;
}

// Calls tell(name, view) for the requests and the tokens.
template <typename Tell>
void tell_both(const LimitNews& news, const Tell& tell) {
  if (const auto view = news.account->view(LimitKind::kRequests, news.now)) tell("requests", *view);
  if (const auto view = token_view(news)) tell("tokens", *view);
}

void add_amounts(Headers& headers, const std::string& name, const LimitView& view) {
  headers.emplace_back("x-ratelimit-limit-" + name, std::to_string(view.amount));
  headers.emplace_back("x-ratelimit-remaining-" + name, std::to_string(view.remaining()));
}

void tell_bare_numbers(Headers& headers, const LimitNews& news, Nanos unit) {
  tell_both(news, [&](const std::string& name, const LimitView& view) {
    add_amounts(headers, name, view);
    headers.emplace_back("x-ratelimit-reset-" + name,
                         std::to_string(units_rounded_up(view.reset, unit)));
    headers.emplace_back("x-ratelimit-renewalperiod-" + name,
                         std::to_string(units_rounded_up(view.period, seconds(1))));
  });
  headers.emplace_back("x-ratelimit-abusepenalty-active", "False");
}

// "minute", "10-second", "month": the window is part of the name.
std::string mistral_window(Nanos period) {
  if (period == std::chrono::hours(24 * 30)) return "month";
  std::string word = period_word(period);
  if (word.find_first_of("0123456789") == std::string::npos) return word;
  return std::to_string(units_rounded_up(period, seconds(1))) + "-second";
}

// The nearest thousand, but never more than there is. Below a thousand that would say nothing.
int64_t in_thousands(int64_t remaining, int64_t amount) {
  if (amount < 1000) return remaining;
  return std::min(amount, (remaining + 500) / 1000 * 1000);
}

void add_anthropic(Headers& headers, const std::string& name, int64_t amount, int64_t remaining,
                   int64_t reset_unix_ms) {
  const std::string start = "anthropic-ratelimit-" + name + "-";
  headers.emplace_back(start + "limit", std::to_string(amount));
  headers.emplace_back(start + "remaining", std::to_string(remaining));
  headers.emplace_back(start + "reset", rfc3339(reset_unix_ms + 500));
}

}  // namespace

std::string format_seconds(Nanos span, Nanos unit) {
  const int64_t per_second = Nanos(seconds(1)) / unit;
  return fraction_text(units_rounded_up(span, unit), per_second);
}

std::string format_go_nanos(Nanos span) {
  const int64_t nanos = std::max<int64_t>(span.count(), 0);
  if (nanos == 0) return "0s";
  if (nanos < 1'000) return std::to_string(nanos) + "ns";
  if (nanos < 1'000'000) return fraction_text(nanos, 1'000) + "µs";
  if (nanos < 1'000'000'000) return fraction_text(nanos, 1'000'000) + "ms";
  const int64_t whole_minutes = nanos / Nanos(minutes(1)).count();
  std::string text;
  if (whole_minutes >= 60) text += std::to_string(whole_minutes / 60) + "h";
  if (whole_minutes >= 1) text += std::to_string(whole_minutes % 60) + "m";
  return text + fraction_text(nanos % Nanos(minutes(1)).count(), 1'000'000'000) + "s";
}

std::string format_go_duration(Nanos span) {
  return format_go_nanos(milliseconds(to_ms_rounded_up(span)));
}

void add_retry_after(Headers& headers, Nanos wait, RetryLines lines) {
  if (lines == RetryLines::kNone) return;
  headers.emplace_back("Retry-After", std::to_string(units_rounded_up(wait, seconds(1))));
  if (lines == RetryLines::kSecondsAndMs) {
    headers.emplace_back("retry-after-ms", std::to_string(to_ms_rounded_up(wait)));
  }
}

void tell_openai(Headers& headers, const LimitNews& news) {
  tell_both(news, [&](const std::string& name, const LimitView& view) {
    add_amounts(headers, name, view);
    headers.emplace_back("x-ratelimit-reset-" + name, format_go_duration(view.reset));
  });
}

void tell_groq(Headers& headers, const LimitNews& news) {
  tell_both(news, [&](const std::string& name, const LimitView& view) {
    add_amounts(headers, name, view);
    headers.emplace_back("x-ratelimit-reset-" + name, format_go_nanos(view.reset));
  });
}

void tell_azure(Headers& headers, const LimitNews& news) {
  tell_bare_numbers(headers, news, milliseconds(1));
}

void tell_azure_foundry(Headers& headers, const LimitNews& news) {
  tell_bare_numbers(headers, news, seconds(1));
}

void tell_xai(Headers& headers, const LimitNews& news) {
  tell_both(news, [&](const std::string& name, const LimitView& view) {
    add_amounts(headers, name, view);
  });
}

void tell_anthropic(Headers& headers, const LimitNews& news) {
  const auto reset_of = [&](const LimitView& view) {
    return news.unix_ms + to_ms_rounded_up(view.reset);
  };
  if (const auto view = news.account->view(LimitKind::kRequests, news.now)) {
    add_anthropic(headers, "requests", view->amount, view->remaining(), reset_of(*view));
  }
  const auto input = news.account->view(LimitKind::kInputTokens, news.now);
  const auto output = news.account->view(LimitKind::kOutputTokens, news.now);
  const auto add = [&](const std::string& name, const LimitView& view) {
    add_anthropic(headers, name, view.amount, in_thousands(view.remaining(), view.amount),
                  reset_of(view));
  };
  if (input) add("input-tokens", *input);
  if (output) add("output-tokens", *output);
  if (input && output) {
    add_anthropic(headers, "tokens", input->amount + output->amount,
                  in_thousands(input->remaining(), input->amount) +
                      in_thousands(output->remaining(), output->amount),
                  std::min(reset_of(*input), reset_of(*output)));
  } else if (const auto both = news.account->view(LimitKind::kTokens, news.now)) {
    add("tokens", *both);
  }
}

void tell_mistral(Headers& headers, const LimitNews& news) {
  if (news.is_stream) return;
  if (const auto view = token_view(news)) {
    add_amounts(headers, "tokens-" + mistral_window(view->period), *view);
  }
  if (const auto view = news.account->view(LimitKind::kRequests, news.now)) {
    add_amounts(headers, "req-" + mistral_window(view->period), *view);
  }
  if (news.usage) {
    headers.emplace_back("x-ratelimit-tokens-query-cost",
                         std::to_string(news.usage->input_tokens + news.usage->output_tokens));
  }
}

void tell_together(Headers& headers, const LimitNews& news) {
  const auto add = [&](const std::string& start, const LimitView& view) {
    headers.emplace_back(start + "limit", std::to_string(view.amount));
    headers.emplace_back(start + "remaining", std::to_string(view.remaining()));
    headers.emplace_back(start + "reset", std::to_string(units_rounded_up(view.reset, seconds(1))));
  };
  if (const auto view = news.account->view(LimitKind::kRequests, news.now)) {
    add("x-ratelimit-", *view);
  }
  if (const auto view = token_view(news)) add("x-tokenlimit-", *view);
}

void tell_fireworks(Headers& headers, const LimitNews& news) {
  const auto input = news.account->view(LimitKind::kInputTokens, news.now);
  const auto output = news.account->view(LimitKind::kOutputTokens, news.now);
  if (input) {
    add_amounts(headers, "tokens-prompt", *input);
    add_amounts(headers, "tokens-cache-adjusted-prompt", *input);
  }
  if (output) add_amounts(headers, "tokens-generated", *output);
  headers.emplace_back("x-ratelimit-over-limit", "no");  // even on a 429
  if (news.usage) {
    headers.emplace_back("fireworks-prompt-tokens", std::to_string(news.usage->input_tokens));
    headers.emplace_back("fireworks-cached-prompt-tokens", "0");
  }
}

void tell_openrouter(Headers& headers, const LimitNews& news) {
  const auto view = news.account->view(LimitKind::kRequests, news.now);
  if (news.status != 429 || !view) return;
  headers.emplace_back("X-RateLimit-Limit", std::to_string(view->amount));
  headers.emplace_back("X-RateLimit-Remaining", std::to_string(view->remaining()));
  headers.emplace_back("X-RateLimit-Reset",
                       std::to_string(news.unix_ms + to_ms_rounded_up(view->reset)));
}

void tell_cohere(Headers& headers, const LimitNews& news) {
  const auto view = news.account->view(LimitKind::kRequests, news.now);
  if (news.status != 200 || !view) return;
  headers.emplace_back("x-trial-endpoint-call-limit", std::to_string(view->amount));
  headers.emplace_back("x-trial-endpoint-call-remaining", std::to_string(view->remaining()));
}

void tell_gemini(Headers& headers, const LimitNews& /*news*/) {
  headers.emplace_back("x-gemini-service-tier", "standard");
}

void tell_nothing(Headers& /*headers*/, const LimitNews& /*news*/) {}

}  // namespace llmq::mock
