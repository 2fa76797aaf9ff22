// Reads what a transfer of libcurl saw on its way.
#ifndef LLMQ_HTTP_LOOK_H_
#define LLMQ_HTTP_LOOK_H_

#include <curl/curl.h>

#include "http/findings.h"

namespace llmq::http {

// Of a transfer that has ended with `code`. The certificate needs CURLOPT_CERTINFO.
Findings findings_of(CURL* easy, CURLcode code, bool through_proxy);

}  // namespace llmq::http

#endif  // LLMQ_HTTP_LOOK_H_
