#include "mock/retry_hint.h"

#include "mock/timestamp.h"

namespace llmq::mock {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Nanos rounded_up(Nanos span, Nanos unit) {
  if (span.count() <= 0) return Nanos(0);
  return Nanos(static_cast<int64_t>(ceil_div(span.count(), unit.count())) * unit.count());
}

// A date has whole seconds: the first that is not too early.
void add_date(RetryHint& hint, Nanos wait, int64_t unix_ms) {
  const int64_t then = (unix_ms + to_ms_rounded_up(wait) + 999) / 1000 * 1000;
  hint.lines.emplace_back("Retry-After", http_date(then));
  hint.told = milliseconds(then - unix_ms);
}

void add_own_lines(RetryHint& hint, const Provider& provider, Nanos wait) {
  add_retry_after(hint.lines, wait, provider.retry);
  if (provider.retry == RetryLines::kNone) return;
  const bool has_ms = provider.retry == RetryLines::kSecondsAndMs;
  hint.told = rounded_up(wait, has_ms ? Nanos(milliseconds(1)) : Nanos(seconds(1)));
}

void add_words(RetryHint& hint, const Provider& provider, Nanos wait) {
  hint.words = wait;
  if (provider.words_unit == Nanos(0) || hint.told) return;
  hint.told = rounded_up(wait, provider.words_unit);
}

}  // namespace

RetryHint make_retry_hint(Hints hints, const Provider& provider, Nanos wait, int64_t unix_ms) {
  RetryHint hint;
  switch (hints) {
    case Hints::kBoth:
      add_own_lines(hint, provider, wait);
      add_words(hint, provider, wait);
      break;
    case Hints::kHeader:
      add_own_lines(hint, provider, wait);
      break;
    case Hints::kBody:
      add_words(hint, provider, wait);
      break;
    case Hints::kSeconds:
      add_retry_after(hint.lines, wait, RetryLines::kSeconds);
      hint.told = rounded_up(wait, seconds(1));
      break;
    case Hints::kFloat:
      hint.told = rounded_up(wait, milliseconds(1));
      hint.lines.emplace_back("Retry-After", format_seconds(wait, milliseconds(1)));
      break;
    case Hints::kMs:
      hint.told = rounded_up(wait, milliseconds(1));
      hint.lines.emplace_back("retry-after-ms", std::to_string(to_ms_rounded_up(wait)));
      break;
    case Hints::kDate:
      add_date(hint, wait, unix_ms);
      break;
    case Hints::kNone:
      break;
  }
  return hint;
}

}  // namespace llmq::mock
