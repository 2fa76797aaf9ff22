// What llmq makes of one recorded answer, for people who ask why it waited or gave up.
#ifndef LLMQ_PROVIDER_EXPLAIN_H_
#define LLMQ_PROVIDER_EXPLAIN_H_

#include <string>
#include <string_view>

#include "core/result.h"

namespace llmq::provider {

// `line` is a JSON object: "status"; "headers", name to value or list of values; "body", a string
// (of a stream all of it) or a JSON value; optionally "now_unix_ms", the clock for points in time,
// else the Date header serves; optionally "provider", which overrules the argument. Other members
// are skipped.
//
// The result is one line of JSON. Always: retryable, retry_after_ms, hint_source (header,
// reset_header, body, body_text), limits {requests, tokens, input_tokens, output_tokens}, usage,
// error_class (rate_limit, quota, overloaded, server_error, bad_request, context_length,
// content_filter, auth); null where nothing is told. Beside these what else is known: status,
// message, other_limits, body_limit, limit_kind, stream_error, stream_end, partial_output,
// reasoning_tokens, charged_tokens, charged_input_tokens, inferred_windows_ms.
//
// An error names what is wrong with the line.
core::Result<std::string> explain(std::string_view provider, std::string_view line);

}  // namespace llmq::provider

#endif  // LLMQ_PROVIDER_EXPLAIN_H_
