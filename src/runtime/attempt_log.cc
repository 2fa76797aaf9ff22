#include "runtime/attempt_log.h"

#include <utility>

#include "base/json.h"
#include "base/utf8.h"

namespace llmq::runtime {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;

// Whole characters of its beginning.
std::string shortened(std::string_view text) {
  if (text.size() <= AttemptLog::kMostMessageBytes) return std::string(text);
  size_t length = AttemptLog::kMostMessageBytes;
  while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xc0) == 0x80) --length;
  return std::string(text.substr(0, length));
}

}  // namespace

void AttemptLog::finished(const core::Notice& notice, std::string_view deployment,
                          int32_t http_status, std::string_view message) {
  if (attempts_.size() == kMostAttempts) return;
  Attempt attempt;
  attempt.number = notice.attempt;
  attempt.is_hedge = notice.is_hedge;
  attempt.status = notice.status;
  attempt.http_status = http_status;
  attempt.started = notice.queued;
  attempt.run = notice.run;
  attempt.deployment = deployment;
  attempt.message = shortened(message);
  attempts_.push_back(std::move(attempt));
}

void AttemptLog::retried(const core::Notice& notice) {
  for (auto attempt = attempts_.rbegin(); attempt != attempts_.rend(); ++attempt) {
    if (attempt->number != notice.attempt) continue;
    attempt->tried_again = true;
    attempt->delay = notice.delay;
    return;
  }
}

std::string AttemptLog::json() const {
  const base::Json list(base::new_array());
  for (const Attempt& attempt : attempts_) {
    cJSON* const json = base::new_object();
    base::append(list.get(), json);
    base::add_number(json, "attempt", attempt.number);
    if (attempt.is_hedge) base::add_true(json, "hedge");
    if (!attempt.deployment.empty()) {
      base::add_text(json, "deployment", attempt.deployment.c_str());
    }
    base::add_text(json, "status", core::status_name(attempt.status));
    if (attempt.http_status != 0) base::add_number(json, "http_status", attempt.http_status);
    if (!attempt.message.empty()) {
      base::add_text(json, "message", base::repaired_utf8(attempt.message).c_str());
    }
    base::add_number(json, "started_ms", attempt.started.ns / kNsPerMs);
    base::add_number(json, "run_ms", attempt.run.ns / kNsPerMs);
    if (attempt.tried_again) {
      base::add_number(json, "retry_delay_ms", attempt.delay.ns / kNsPerMs);
    }
  }
  return base::json_text(list.get());
}

}  // namespace llmq::runtime
