// What is kept of attempts, and how it is told.
#include "runtime/attempt_log.h"

#include <gtest/gtest.h>

#include <string>

namespace llmq::runtime {
namespace {

using core::Notice;
using core::Status;

Notice ended(uint8_t attempt, Status status) {
  Notice notice;
  notice.kind = Notice::kAttemptFinished;
  notice.attempt = attempt;
  notice.status = status;
  notice.queued = core::milliseconds(100 * attempt);
  notice.run = core::milliseconds(7);
  return notice;
}

Notice retried(uint8_t attempt, core::DurationNs delay) {
  Notice notice;
  notice.kind = Notice::kRetried;
  notice.attempt = attempt;
  notice.delay = delay;
  return notice;
}

TEST(AttemptLog, TellsOfEachAttempt) {
  AttemptLog log;
  EXPECT_EQ(log.json(), "[]");
  log.finished(ended(1, Status::kServer), "east", 503, "busy");
  log.retried(retried(1, core::milliseconds(500)));
  log.finished(ended(2, Status::kOk), "", 200, "");
  EXPECT_EQ(log.json(),
            R"([{"attempt":1,"deployment":"east","status":"LLMQ_ERR_SERVER","http_status":503,)"
            R"("message":"busy","started_ms":100,"run_ms":7,"retry_delay_ms":500},)"
            R"({"attempt":2,"status":"LLMQ_OK","http_status":200,"started_ms":200,"run_ms":7}])");
}

TEST(AttemptLog, ARetryAtOnceIsToldToo) {
  AttemptLog log;
  log.finished(ended(1, Status::kAuth), "", 0, "");
  log.retried(retried(1, {}));
  EXPECT_NE(log.json().find(R"("retry_delay_ms":0)"), std::string::npos);
}

TEST(AttemptLog, CutsMessagesBetweenCharacters) {
  AttemptLog log;
  const std::string most(AttemptLog::kMostMessageBytes, 'x');
  log.finished(ended(1, Status::kServer), "", 0, most);
  log.finished(ended(2, Status::kServer), "", 0, most + "y");
  const std::string umlauts =
      "x" + std::string(199, '.') + "\xc3\xbc";  // two bytes, at 200 and 201
  log.finished(ended(3, Status::kServer), "", 0, umlauts);
  log.finished(ended(4, Status::kServer), "", 0, std::string(199, 'z') + "\xc3\xbc!");
  const std::string json = log.json();
  EXPECT_EQ(json.find('y'), std::string::npos);
  EXPECT_NE(json.find("\"" + most + "\""), std::string::npos);
  EXPECT_NE(json.find("x" + std::string(199, '.') + "\""), std::string::npos);
  EXPECT_NE(json.find(std::string(199, 'z') + "\""), std::string::npos) << "not half of it";
}

TEST(AttemptLog, BrokenTextBecomesText) {
  AttemptLog log;
  log.finished(ended(1, Status::kServer), "", 0, "a\xff");
  EXPECT_NE(log.json().find("\"a\xef\xbf\xbd\""), std::string::npos);
}

TEST(AttemptLog, IsBounded) {
  AttemptLog log;
  for (int i = 1; i <= 80; ++i)
    log.finished(ended(static_cast<uint8_t>(i), Status::kServer), "", 0, "");
  const std::string json = log.json();
  EXPECT_NE(json.find(R"("attempt":60,)"), std::string::npos);
  EXPECT_EQ(json.find(R"("attempt":61,)"), std::string::npos);
  log.retried(retried(61, core::milliseconds(5)));
  EXPECT_EQ(log.json(), json) << "of an attempt that was not kept";
}

}  // namespace
}  // namespace llmq::runtime
