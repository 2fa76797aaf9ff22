#include "cli/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace llmq::cli {
namespace {

constexpr int64_t kRedraw = 100'000'000;
constexpr int64_t kPlainLine = 3'000'000'000;
constexpr int64_t kRateWindow = 10'000'000'000;
constexpr size_t kBarWidth = 24;

bool is_set(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

template <typename... Args>
std::string format(const char* pattern, Args... args) {
  std::array<char, 160> text{};
  const int length = std::snprintf(text.data(), text.size(), pattern, args...);
  return {text.data(), std::min(static_cast<size_t>(std::max(length, 0)), text.size() - 1)};
}

std::string rate_text(double rate, double limit, const char* unit) {
  return limit > 0 ? format("%.1f of %.1f %s/s", rate, limit, unit)
                   : format("%.1f %s/s", rate, unit);
}

std::string time_text(double seconds) {
  const long long whole = std::llround(seconds);
  if (whole < 60) return format("%llds", whole);
  if (whole < 3600) return format("%lldm%02llds", whole / 60, whole % 60);
  return format("%lldh%02lldm", whole / 3600, whole / 60 % 60);
}

size_t terminal_width() {
  struct winsize size {};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 120;
  return size.ws_col;
}

}  // namespace

Progress::Progress(bool quiet)
    : quiet_(quiet),
      terminal_(::isatty(STDERR_FILENO) == 1),
      colour_(terminal_ && !is_set("NO_COLOR")) {}

int64_t Progress::interval_ns() const {
  if (quiet_) return -1;
  return terminal_ ? kRedraw : kPlainLine;
}

std::string Progress::text(int64_t now_ns, const ProgressCounts& c) {
  samples_.push_back({now_ns, c.done, c.requests, c.tokens});
  while (samples_.size() > 2 && now_ns - samples_[1].at_ns >= kRateWindow) samples_.pop_front();
  const Sample& old = samples_.front();
  const double span = std::max(static_cast<double>(now_ns - old.at_ns) / 1e9, 1e-3);
  const double lines_rate = static_cast<double>(c.done - old.done) / span;
  std::string out = std::to_string(c.done);
  if (c.total > 0) {
    out += "/" + std::to_string(c.total) + " " + std::to_string(c.done * 100 / c.total) + "%";
  }
  out += ", failed " + std::to_string(c.failed);
  out += ", " + rate_text(static_cast<double>(c.requests - old.requests) / span, c.requests_limit,
                          "requests");
  out +=
      ", " + rate_text(static_cast<double>(c.tokens - old.tokens) / span, c.tokens_limit, "tokens");
  out += ", 429s " + std::to_string(c.http_429);
  if (c.total > c.done && lines_rate > 0) {
    out += ", ETA " + time_text(static_cast<double>(c.total - c.done) / lines_rate);
  }
  if (!c.blocked_by.empty()) out += ", waits for " + c.blocked_by;
  return out;
}

void Progress::tick(int64_t now_ns, const ProgressCounts& counts) {
  if (quiet_) return;
  std::string line = text(now_ns, counts);
  if (!terminal_) {
    std::fprintf(stderr, "%s\n", line.c_str());
    return;
  }
  std::string bar;
  if (counts.total > 0) {
    const size_t filled = std::min<size_t>(kBarWidth, counts.done * kBarWidth / counts.total);
    bar = "[" + std::string(filled, '#') + std::string(kBarWidth - filled, '.') + "] ";
  }
  const size_t width = terminal_width();
  if (bar.size() + line.size() + 1 > width) {
    line.resize(width > bar.size() + 1 ? width - bar.size() - 1 : 0);
  }
  if (colour_) bar = "\x1b[36m" + bar + "\x1b[0m";
  std::fprintf(stderr, "\r%s%s\x1b[K", bar.c_str(), line.c_str());
  std::fflush(stderr);
  drawn_ = true;
}

void Progress::clear() {
  if (!drawn_) return;
  std::fputc('\n', stderr);
  drawn_ = false;
}

}  // namespace llmq::cli
