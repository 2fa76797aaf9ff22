#include "core/status.h"

namespace llmq::core {
namespace {

struct Row {
  Status status;
  const char* name;
  const char* message;
};

constexpr Row kRows[] = {
    {Status::kOk, "LLMQ_OK", "success"},
    {Status::kInvalidArg, "LLMQ_ERR_INVALID_ARG",
     "an argument is NULL, of the wrong kind, or out of range"},
    {Status::kNoMem, "LLMQ_ERR_NOMEM", "out of memory"},
    {Status::kClosed, "LLMQ_ERR_CLOSED", "the manager has been shut down"},
    {Status::kClosing, "LLMQ_ERR_CLOSING", "shutdown or removal of the model has begun"},
    {Status::kForked, "LLMQ_ERR_FORKED", "the handle was inherited through fork"},
    {Status::kAgain, "LLMQ_ERR_AGAIN", "not yet; ask again later"},
    {Status::kTimeout, "LLMQ_ERR_TIMEOUT", "the time allowed is over"},
    {Status::kCancelled, "LLMQ_ERR_CANCELLED", "the request was cancelled"},
    {Status::kDeadline, "LLMQ_ERR_DEADLINE", "the deadline has passed or cannot be met"},
    {Status::kQueueFull, "LLMQ_ERR_QUEUE_FULL", "the queue is full"},
    {Status::kUnknownModel, "LLMQ_ERR_UNKNOWN_MODEL", "no model of that name is registered"},
    {Status::kModelExists, "LLMQ_ERR_MODEL_EXISTS", "a model of that name is registered already"},
    {Status::kUnknownKey, "LLMQ_ERR_UNKNOWN_KEY", "no such configuration key"},
    {Status::kInvalidValue, "LLMQ_ERR_INVALID_VALUE", "the value is not acceptable for its key"},
    {Status::kOversize, "LLMQ_ERR_OVERSIZE", "the request alone is larger than one of its limits"},
    {Status::kStale, "LLMQ_ERR_STALE", "the id names something that is gone"},
    {Status::kAlreadyDone, "LLMQ_ERR_ALREADY_DONE", "it has ended before"},
    {Status::kWrongThread, "LLMQ_ERR_WRONG_THREAD", "the call would block the loop thread"},
    {Status::kRateLimited, "LLMQ_ERR_RATE_LIMITED", "the provider refused the call for its rate"},
    {Status::kQuotaExhausted, "LLMQ_ERR_QUOTA_EXHAUSTED", "the account's quota is used up"},
    {Status::kOverloaded, "LLMQ_ERR_OVERLOADED", "the provider is overloaded"},
    {Status::kServer, "LLMQ_ERR_SERVER", "the provider failed"},
    {Status::kAuth, "LLMQ_ERR_AUTH", "the provider rejected the key"},
    {Status::kBadRequest, "LLMQ_ERR_BAD_REQUEST", "the provider rejected the request"},
    {Status::kContextTooLong, "LLMQ_ERR_CONTEXT_TOO_LONG",
     "the request is longer than the context"},
    {Status::kContentFilter, "LLMQ_ERR_CONTENT_FILTER", "refused by the provider's content filter"},
    {Status::kBudget, "LLMQ_ERR_BUDGET", "a budget is used up"},
    {Status::kTransport, "LLMQ_ERR_TRANSPORT", "no usable answer arrived from the provider"},
    {Status::kProcessing, "LLMQ_ERR_PROCESSING", "the processor reported a failure"},
    {Status::kAbandoned, "LLMQ_ERR_ABANDONED", "whoever ran the attempt vanished without a report"},
    {Status::kUnsupported, "LLMQ_ERR_UNSUPPORTED", "not in this build, or not possible here"},
    {Status::kInternal, "LLMQ_ERR_INTERNAL", "a mistake in llmq"},
    {Status::kUnknown, "LLMQ_ERR_UNKNOWN", "a failure that fits no other class"},
};

const Row* find(Status status) {
  for (const Row& row : kRows) {
    if (row.status == status) return &row;
  }
  return nullptr;
}

}  // namespace

const char* status_name(Status status) {
  const Row* row = find(status);
  return row != nullptr ? row->name : "LLMQ_ERR_?";
}

const char* status_message(Status status) {
  const Row* row = find(status);
  return row != nullptr ? row->message : "a status that this version does not know";
}

}  // namespace llmq::core
