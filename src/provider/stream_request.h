// What a body must say for its answer to come as a stream.
#ifndef LLMQ_PROVIDER_STREAM_REQUEST_H_
#define LLMQ_PROVIDER_STREAM_REQUEST_H_

#include <string>
#include <string_view>

#include "provider/profile.h"
#include "provider/provider.h"

namespace llmq::provider {

// The body, which must be a JSON object, with "stream": true where its wire asks for a stream in
// the body, and with stream_options.include_usage where usage must be asked for; what it says of
// include_usage itself stays. Every other byte stays as it is, so that no number loses digits.
std::string streamed_body(const Profile& profile, Operation operation, std::string_view body);

}  // namespace llmq::provider

#endif  // LLMQ_PROVIDER_STREAM_REQUEST_H_
