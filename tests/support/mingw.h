/* What tests in C call of POSIX and MinGW does not have; included before them on Windows. */
#ifndef LLMQ_TESTS_SUPPORT_MINGW_H_
#define LLMQ_TESTS_SUPPORT_MINGW_H_

#include <stdlib.h>
#include <string.h>

static inline int setenv(const char* name, const char* value, int overwrite) {
  return !overwrite && getenv(name) != NULL ? 0 : _putenv_s(name, value);
}

static inline int unsetenv(const char* name) { return _putenv_s(name, ""); }

static inline char* strndup(const char* text, size_t most) {
  const size_t size = strnlen(text, most);
  char* copy = malloc(size + 1);
  if (copy == NULL) return NULL;
  memcpy(copy, text, size);
  copy[size] = '\0';
  return copy;
}

#endif
