/* llmq/version.h - the version of llmq, in the one place where it is written.
 * CMake, pkg-config and the packages read it from here. */
#ifndef LLMQ_VERSION_H_
#define LLMQ_VERSION_H_

/** Major version of this header. */
#define LLMQ_VERSION_MAJOR 0
/** Minor version of this header. */
#define LLMQ_VERSION_MINOR 1
/** Patch of this header. */
#define LLMQ_VERSION_PATCH 0

/** MAJOR * 1,000,000 + MINOR * 1,000 + PATCH, as llmq_version_num() returns it. */
#define LLMQ_VERSION_NUM \
  (LLMQ_VERSION_MAJOR * 1000000 + LLMQ_VERSION_MINOR * 1000 + LLMQ_VERSION_PATCH)

/** Number of the binary interface: changes only when an old program could break. */
#define LLMQ_ABI_VERSION 0

#endif /* LLMQ_VERSION_H_ */
