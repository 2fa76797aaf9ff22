// libcurl, found when it is first needed: a program that calls nobody over HTTP does not carry it
// and the thirty libraries below it.
#ifndef LLMQ_HTTP_CURL_LIBRARY_H_
#define LLMQ_HTTP_CURL_LIBRARY_H_

#include <curl/curl.h>

#include <string>

#include "core/result.h"

namespace llmq::http {

// Every function of libcurl that llmq calls.
#define LLMQ_CURL_FUNCTIONS(X) \
  X(easy_cleanup)              \
  X(easy_getinfo)              \
  X(easy_init)                 \
  X(easy_pause)                \
  X(easy_reset)                \
  X(easy_setopt)               \
  X(easy_strerror)             \
  X(getdate)                   \
  X(global_init)               \
  X(multi_add_handle)          \
  X(multi_cleanup)             \
  X(multi_info_read)           \
  X(multi_init)                \
  X(multi_remove_handle)       \
  X(multi_setopt)              \
  X(multi_socket_action)       \
  X(slist_append)              \
  X(slist_free_all)            \
  X(version)                   \
  X(version_info)

struct CurlFunctions {
#define LLMQ_CURL_MEMBER(name) \
  decltype(&curl_##name) name = nullptr;  // NOLINT(bugprone-macro-parentheses)
  LLMQ_CURL_FUNCTIONS(LLMQ_CURL_MEMBER)
#undef LLMQ_CURL_MEMBER
};

// Finds libcurl and makes it ready, once in a process, on any thread. The error names the library
// and tells why it cannot be used.
const core::Result<core::Done>& load_curl();

// For those who have seen load_curl() go well.
const CurlFunctions& curl();

// What libcurl says of itself, "libcurl/7.88.1 OpenSSL/3.0.15 ..."; "libcurl/missing" if it
// cannot be used. One thread at a time: libcurl writes it anew with each call.
const char* curl_versions();

// Fills the table; "" or why it cannot. In curl_opened.cc, or in curl_linked.cc for programs that
// have libcurl inside.
std::string find_curl(CurlFunctions& functions);

}  // namespace llmq::http

#endif  // LLMQ_HTTP_CURL_LIBRARY_H_
