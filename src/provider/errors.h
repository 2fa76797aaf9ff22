// Which kind of failure an answer is.
#ifndef LLMQ_PROVIDER_ERRORS_H_
#define LLMQ_PROVIDER_ERRORS_H_

#include "core/status.h"
#include "provider/error_body.h"

namespace llmq::provider {

// By marks in the body, then by the HTTP status. http_status 200: the error came in the body of a
// success, or in a stream; the body's own number stands for the status then.
//
// Never kOk. What no wait cures is kQuotaExhausted (money, or a cap of a day or more) or kOversize
// (the request alone is larger than the limit), whatever the status says.
core::Status classify_error(int http_status, const ErrorBody& error);

// Too many of the account's calls at a time, rather than in a time.
bool is_concurrency_limit(const ErrorBody& error);

}  // namespace llmq::provider

#endif  // LLMQ_PROVIDER_ERRORS_H_
