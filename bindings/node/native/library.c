#define _GNU_SOURCE /* RTLD_DEEPBIND */
#include "library.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct library lib;

static pthread_mutex_t load_lock = PTHREAD_MUTEX_INITIALIZER;
static void* loaded;
static char loaded_path[PATH_MAX];

static int check_layout(const char* path, char* error, size_t error_size) {
  static const struct {
    int32_t what;
    size_t size;
    const char* name;
  } structs[] = {
      {LLMQ_SIZEOF_REQUEST, sizeof(llmq_request_t), "llmq_request_t"},
      {LLMQ_SIZEOF_USAGE, sizeof(llmq_usage_t), "llmq_usage_t"},
      {LLMQ_SIZEOF_EVENT, sizeof(llmq_event_t), "llmq_event_t"},
      {LLMQ_SIZEOF_WAIT, sizeof(llmq_wait_t), "llmq_wait_t"},
      {LLMQ_SIZEOF_OUTCOME, sizeof(llmq_outcome_t), "llmq_outcome_t"},
  };
  const uint32_t abi = lib.llmq_abi_version();
  if (abi != LLMQ_ABI_VERSION) {
    snprintf(
        error, error_size,
        "%s is llmq %s with ABI version %u, this package (%d.%d.%d) is made for ABI version %d",
        path, lib.llmq_version_string(), abi, LLMQ_VERSION_MAJOR, LLMQ_VERSION_MINOR,
        LLMQ_VERSION_PATCH, LLMQ_ABI_VERSION);
    return -1;
  }
  for (size_t i = 0; i < sizeof structs / sizeof *structs; ++i) {
    /* A newer library has appended members: it reads ours by struct_size. An older one has fewer.
     */
    const size_t theirs = lib.llmq_sizeof(structs[i].what);
    if (theirs >= structs[i].size) continue;
    snprintf(error, error_size,
             "%s is llmq %s, older than this package (%d.%d.%d): its %s has %zu bytes, not %zu",
             path, lib.llmq_version_string(), LLMQ_VERSION_MAJOR, LLMQ_VERSION_MINOR,
             LLMQ_VERSION_PATCH, structs[i].name, theirs, structs[i].size);
    return -1;
  }
  return 0;
}

static int find_functions(void* handle, const char* path, char* error, size_t error_size) {
#define FIND(name)                                                                              \
  *(void**)&lib.name = dlsym(handle, #name);                                                    \
  if (lib.name == NULL) {                                                                       \
    snprintf(error, error_size, "%s is not the llmq that this package (%d.%d.%d) needs: no %s", \
             path, LLMQ_VERSION_MAJOR, LLMQ_VERSION_MINOR, LLMQ_VERSION_PATCH, #name);          \
    return -1;                                                                                  \
  }
  /* Another version may lack others: what it is comes before what it lacks. */
  FIND(llmq_abi_version)
  FIND(llmq_version_string)
  FIND(llmq_sizeof)
  if (check_layout(path, error, error_size) != 0) return -1;
  LLMQ_NODE_FUNCTIONS(FIND)
#undef FIND
  return 0;
}

static int load_locked(const char* path, char* error, size_t error_size) {
  int flags = RTLD_NOW | RTLD_LOCAL;
  void* handle;
#ifdef RTLD_DEEPBIND
  flags |= RTLD_DEEPBIND;
#endif
  handle = dlopen(path, flags);
  if (handle == NULL) {
    const char* why = dlerror();
    snprintf(error, error_size, "%s cannot be loaded: %s", path, why == NULL ? "?" : why);
    return -1;
  }
  if (loaded != NULL) {
    const int same = handle == loaded;
    dlclose(handle);
    if (same) return 0;
    snprintf(error, error_size, "%s is loaded in this process already, not %s", loaded_path, path);
    return -1;
  }
  if (find_functions(handle, path, error, error_size) != 0) {
    dlclose(handle);
    return -1;
  }
  loaded = handle;
  snprintf(loaded_path, sizeof loaded_path, "%s", path);
  return 0;
}

int library_load(const char* path, char* error, size_t error_size) {
  int result;
  pthread_mutex_lock(&load_lock);
  result = load_locked(path, error, error_size);
  pthread_mutex_unlock(&load_lock);
  return result;
}
