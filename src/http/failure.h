// Failures of libcurl in the words of a user of llmq.
#ifndef LLMQ_HTTP_FAILURE_H_
#define LLMQ_HTTP_FAILURE_H_

#include <curl/curl.h>

#include <string>

#include "core/status.h"
#include "http/client.h"

namespace llmq::http {

core::Status status_of(CURLcode code);

// Would a new try fail in the same way? So it is where trust cannot be established: neither side
// changes its certificates from one second to the next.
bool is_permanent(CURLcode code);

// One sentence that names the host. `detail` is libcurl's error buffer, os_error an errno or 0.
std::string describe(CURLcode code, const std::string& host, const Transport& transport,
                     const char* detail, int os_error);

}  // namespace llmq::http

#endif  // LLMQ_HTTP_FAILURE_H_
