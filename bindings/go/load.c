/* load.c - finds the functions of libllmq in a library that is loaded while the program runs. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* memfd_create, dladdr */
#endif

#include "native.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "functions.h"

#define MEMBER(result, name, parameters, arguments) result(*name) parameters;
static struct { LLMQ_FUNCTIONS(MEMBER) } table;
#undef MEMBER

#define FORWARD(result, name, parameters, arguments) \
  result name parameters { return table.name arguments; }
LLMQ_FUNCTIONS(FORWARD)
#undef FORWARD

static void say(char* error, size_t cap, const char* text) {
  snprintf(error, cap, "%s", text != NULL ? text : "unknown error");
}

void* lq_open(const char* path, char* error, size_t error_cap) {
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) say(error, error_cap, dlerror());
  return library;
}

static int write_all(int fd, const char* bytes, size_t len) {
  while (len > 0) {
    const ssize_t written = write(fd, bytes, len);
    if (written <= 0) return -1;
    bytes += written;
    len -= (size_t)written;
  }
  return 0;
}

#if defined(__linux__)

void* lq_open_bytes(const void* bytes, size_t len, char* error, size_t error_cap) {
  void* library = NULL;
  const int fd = memfd_create("libllmq.so", MFD_CLOEXEC);
  if (fd < 0 || write_all(fd, bytes, len) != 0) {
    say(error, error_cap, "no memory file for the bundled library");
  } else {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    library = lq_open(path, error, error_cap);
  }
  if (fd >= 0) close(fd); /* what was mapped stays */
  return library;
}

#else

void* lq_open_bytes(const void* bytes, size_t len, char* error, size_t error_cap) {
  void* library = NULL;
  char path[] = "/tmp/libllmq.XXXXXX";
  const int fd = mkstemp(path);
  if (fd < 0 || write_all(fd, bytes, len) != 0) {
    say(error, error_cap, "no temporary file for the bundled library");
  } else {
    library = lq_open(path, error, error_cap);
  }
  if (fd >= 0) {
    close(fd);
    unlink(path);
  }
  return library;
}

#endif

void lq_identify(void* library, const char** version, uint32_t* abi) {
  const char* (*version_string)(void) = NULL;
  uint32_t (*abi_version)(void) = NULL;
  *(void**)&version_string = dlsym(library, "llmq_version_string");
  *(void**)&abi_version = dlsym(library, "llmq_abi_version");
  const int known = version_string != NULL && abi_version != NULL;
  *version = known ? version_string() : NULL;
  *abi = known ? abi_version() : 0;
}

const char* lq_bind(void* library) {
#define LOOK_UP(result, name, parameters, arguments) \
  *(void**)&table.name = dlsym(library, #name);      \
  if (table.name == NULL) return #name;
  LLMQ_FUNCTIONS(LOOK_UP)
#undef LOOK_UP
  return NULL;
}

size_t lq_sizeof(int32_t what) {
  switch (what) {
    case LLMQ_SIZEOF_REQUEST:
      return sizeof(llmq_request_t);
    case LLMQ_SIZEOF_USAGE:
      return sizeof(llmq_usage_t);
    case LLMQ_SIZEOF_EVENT:
      return sizeof(llmq_event_t);
    case LLMQ_SIZEOF_STATS:
      return sizeof(llmq_stats_t);
    case LLMQ_SIZEOF_WAIT:
      return sizeof(llmq_wait_t);
    case LLMQ_SIZEOF_HOOK:
      return sizeof(llmq_hook_t);
    case LLMQ_SIZEOF_OUTCOME:
      return sizeof(llmq_outcome_t);
    default:
      return 0;
  }
}

const char* lq_library_path(void* library) {
  Dl_info info;
  void* const function = dlsym(library, "llmq_version_string");
  if (function == NULL || dladdr(function, &info) == 0 || info.dli_fname == NULL) return "";
  return info.dli_fname;
}
