// Secrets are overwritten where they lie before their memory is given back.
#ifndef LLMQ_BASE_WIPE_H_
#define LLMQ_BASE_WIPE_H_

#include <string.h>

#include <string>

namespace llmq::base {

// In a way that no compiler leaves out.
inline void wipe(std::string& text) {
  if (!text.empty()) explicit_bzero(&text[0], text.size());
  text.clear();
}

}  // namespace llmq::base

#endif  // LLMQ_BASE_WIPE_H_
