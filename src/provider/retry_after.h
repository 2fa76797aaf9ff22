// When a provider says that it may be asked again.
#ifndef LLMQ_PROVIDER_RETRY_AFTER_H_
#define LLMQ_PROVIDER_RETRY_AFTER_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/time.h"
#include "provider/provider.h"

namespace llmq::provider {

// From retry-after-ms, else Retry-After (seconds, a duration such as 2m59.5s, or an HTTP date),
// else words such as "try again in 23.03s" in the message. 0 if nothing usable is said; at most a
// day.
core::DurationNs retry_after(const std::vector<Header>& headers, std::string_view message,
                             int64_t wall_unix_ms);

}  // namespace llmq::provider

#endif  // LLMQ_PROVIDER_RETRY_AFTER_H_
