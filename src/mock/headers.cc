#include "mock/headers.h"

namespace llmq::mock {

namespace {

// 12,340 -> "12.34"
std::string seconds_text(int64_t ms) {
  std::string text = std::to_string(ms / 1000);
  if (ms % 1000 == 0) return text;
  std::string decimals = std::to_string(1000 + ms % 1000).substr(1);
  decimals.erase(decimals.find_last_not_of('0') + 1);
  return text + "." + decimals;
}

void add_view(Headers& headers, const std::string& name, const LimitView& view) {
  headers.emplace_back("x-ratelimit-limit-" + name, std::to_string(view.amount));
  headers.emplace_back("x-ratelimit-remaining-" + name, std::to_string(view.remaining()));
  headers.emplace_back("x-ratelimit-reset-" + name, format_go_duration(view.reset));
}

}  // namespace

std::string format_go_duration(Nanos span) {
  const int64_t ms = to_ms_rounded_up(span);
  if (ms == 0) return "0s";
  if (ms < 1000) return std::to_string(ms) + "ms";
  const int64_t minutes = ms / 60'000;
  std::string text;
  if (minutes >= 60) text += std::to_string(minutes / 60) + "h";
  if (minutes >= 1) text += std::to_string(minutes % 60) + "m";
  return text + seconds_text(ms % 60'000) + "s";
}

void add_retry_after(Headers& headers, Nanos wait) {
  const int64_t ms = to_ms_rounded_up(wait);
  headers.emplace_back("Retry-After", std::to_string((ms + 999) / 1000));
  headers.emplace_back("retry-after-ms", std::to_string(ms));
}

void add_rate_limits(Headers& headers, const Account& account, Nanos now) {
  if (const auto view = account.view(LimitKind::kRequests, now)) {
    add_view(headers, "requests", *view);
  }
  for (const LimitKind kind :
       {LimitKind::kTokens, LimitKind::kInputTokens, LimitKind::kOutputTokens}) {
    if (const auto view = account.view(kind, now)) {
      add_view(headers, "tokens", *view);
      return;  // OpenAI knows one kind of tokens
    }
  }
}

}  // namespace llmq::mock
