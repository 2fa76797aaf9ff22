// The one list of outcomes, with the numbers of llmq.h (capi/status.cc asserts that they agree).
#ifndef LLMQ_CORE_STATUS_H_
#define LLMQ_CORE_STATUS_H_

#include <cstdint>

namespace llmq::core {

enum class Status : int32_t {
  kOk = 0,
  kInvalidArg = -1,
  kNoMem = -2,
  kClosed = -3,
  kClosing = -4,
  kForked = -5,
  kAgain = -6,
  kTimeout = -7,
  kCancelled = -8,
  kDeadline = -9,
  kQueueFull = -10,
  kUnknownModel = -11,
  kModelExists = -12,
  kUnknownKey = -13,
  kInvalidValue = -14,
  kOversize = -15,
  kStale = -16,
  kAlreadyDone = -17,
  kWrongThread = -18,
  kRateLimited = -19,
  kQuotaExhausted = -20,
  kOverloaded = -21,
  kServer = -22,
  kAuth = -23,
  kBadRequest = -24,
  kContextTooLong = -25,
  kContentFilter = -26,
  kBudget = -27,
  kTransport = -28,
  kProcessing = -29,
  kAbandoned = -30,
  kUnsupported = -31,
  kInternal = -32,
  kUnknown = -33,
};

const char* status_name(Status status);     // "LLMQ_ERR_TIMEOUT"
const char* status_message(Status status);  // one English sentence

}  // namespace llmq::core

#endif  // LLMQ_CORE_STATUS_H_
