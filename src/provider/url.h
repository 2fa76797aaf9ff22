// Parts of a URL. These look at text only: nothing is resolved or decoded.
#ifndef LLMQ_PROVIDER_URL_H_
#define LLMQ_PROVIDER_URL_H_

#include <string_view>

#include "provider/provider.h"

namespace llmq::provider {

bool is_https(std::string_view url);

// host[:port] of scheme://host[:port]/...; "" if the URL has no such form or names a user.
std::string_view authority(std::string_view url);

// The host of an authority, without port; an IPv6 address keeps its brackets.
std::string_view host(std::string_view authority);

// What follows the authority: "/v1" of "http://h/v1", "" of "http://h".
std::string_view path(std::string_view url);

// Is there a segment such as v1, v1beta or v3?
bool path_names_version(std::string_view path);

// Of OpenAI's API: "/chat/completions".
std::string_view operation_path(Operation operation);

}  // namespace llmq::provider

#endif  // LLMQ_PROVIDER_URL_H_
