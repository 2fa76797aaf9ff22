// The attempts of a request of which one has failed, for its response to tell.
#ifndef LLMQ_RUNTIME_ATTEMPT_LOG_H_
#define LLMQ_RUNTIME_ATTEMPT_LOG_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/most_attempts.h"
#include "core/notice.h"
#include "core/status.h"
#include "core/time.h"

namespace llmq::runtime {

class AttemptLog {
 public:
  static constexpr size_t kMostAttempts = core::kMostAttempts;
  static constexpr size_t kMostMessageBytes = 200;

  // An attempt has ended. What its runner said of it: `http_status` 0 and "" if nothing.
  void finished(const core::Notice& notice, std::string_view deployment, int32_t http_status,
                std::string_view message);
  // Another one will follow.
  void retried(const core::Notice& notice);

  // An array of objects, as llmq_response_attempts_json gives it.
  std::string json() const;

 private:
  struct Attempt {
    uint8_t number = 0;
    bool is_hedge = false;  // it began beside another one
    core::Status status = core::Status::kOk;
    int32_t http_status = 0;
    bool tried_again = false;
    core::DurationNs started{};  // from the submission
    core::DurationNs run{};
    core::DurationNs delay{};  // until the next one may start
    std::string deployment;
    std::string message;
  };

  std::vector<Attempt> attempts_;
};

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_ATTEMPT_LOG_H_
