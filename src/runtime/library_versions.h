// Which libraries this one runs on, as they are in this process: "libuv/1.44.2 cJSON/1.7.15 ...",
// and which are compiled in; what libcurl is made of follows it.
#ifndef LLMQ_RUNTIME_LIBRARY_VERSIONS_H_
#define LLMQ_RUNTIME_LIBRARY_VERSIONS_H_

namespace llmq::runtime {

// A static string.
const char* library_versions();

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_LIBRARY_VERSIONS_H_
