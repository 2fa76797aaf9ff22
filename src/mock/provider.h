// A provider's own ways: what its errors look like and which header lines it sends.
#ifndef LLMQ_MOCK_PROVIDER_H_
#define LLMQ_MOCK_PROVIDER_H_

#include <string>

#include "mock/headers.h"
#include "mock/problem.h"

namespace llmq::mock {

struct ErrorReply {
  int status = 400;
  std::string body;
};

struct Provider {
  const char* name;
  const char* id_header;  // carries the request id
  ErrorReply (*describe)(const Problem& problem);
};

extern const Provider kOpenAi;

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_PROVIDER_H_
