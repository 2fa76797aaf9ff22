#include "mock/faults.h"

#include <algorithm>

namespace llmq::mock {

namespace {

bool speaks_of(const std::string& name, const char* word) {
  std::string lower = name;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  });
  return lower.find(word) != std::string::npos;
}

}  // namespace

Fault draw_fault(const Options& options, Random& random) {
  const std::pair<double, Fault> shares[] = {
      {options.fail_server, Fault::kServer},
      {options.fail_overloaded, Fault::kOverloaded},
      {options.fail_rate_limited, Fault::kRateLimited},
      {options.fail_rate_limited_bare, Fault::kRateLimitedBare},
      {options.fail_reset, Fault::kReset},
      {options.fail_hang, Fault::kHang},
      {options.fail_stream_first, Fault::kStreamFirst},
      {options.fail_stream_error, Fault::kStreamError},
      {options.fail_stream_cut, Fault::kStreamCut},
      {options.fail_stream_end, Fault::kStreamEnd},
      {options.fail_stream_stall, Fault::kStreamStall},
  };
  double left = random.uniform();
  for (const auto& [share, fault] : shares) {
    if (left < share) return fault;
    left -= share;
  }
  return Fault::kNone;
}

void spoil_limits(Headers& headers, Random& random) {
  enum Way { kNone, kUnknown, kTenfold, kNothingLeft, kWords, kWays };
  const int64_t way = random.between(0, kWays - 1);
  if (way == kNone) headers.clear();
  for (auto& [name, value] : headers) {
    if (!speaks_of(name, "remaining")) continue;
    if (way == kUnknown) value = "-1";
    if (way == kTenfold) value += "0";
    if (way == kNothingLeft) value = "0";
    if (way == kWords) value = "plenty";
  }
}

}  // namespace llmq::mock
