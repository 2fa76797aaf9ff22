/* Checks of the C tests: a check that does not hold ends the program and says where. */
#ifndef LLMQ_TESTS_CAPI_CHECK_H_
#define LLMQ_TESTS_CAPI_CHECK_H_

#include <llmq/llmq.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                            \
  do {                                                              \
    if (!(condition)) check_failed(__FILE__, __LINE__, #condition); \
  } while (0)

/* The status that a call gives. */
#define CHECK_STATUS(expected, call) check_status(__FILE__, __LINE__, (expected), (call), #call)
#define CHECK_OK(call) CHECK_STATUS(LLMQ_OK, call)
#define CHECK_INT(expected, value) \
  check_int(__FILE__, __LINE__, (long long)(expected), (long long)(value), #value)
#define CHECK_TEXT(expected, value) check_text(__FILE__, __LINE__, (expected), (value), #value)
#define CHECK_HAS(part, value) check_has(__FILE__, __LINE__, (part), (value), #value)

/* Runs a test and names it: the last name that is printed is the one that failed. */
#define RUN(test)          \
  do {                     \
    printf("%s\n", #test); \
    (void)fflush(stdout);  \
    test();                \
  } while (0)

static inline void check_failed(const char* file, int line, const char* what) {
  (void)fprintf(stderr, "%s:%d: %s does not hold\n", file, line, what);
  abort();
}

static inline void check_status(const char* file, int line, llmq_status_t expected,
                                llmq_status_t got, const char* call) {
  if (expected == got) return;
  (void)fprintf(stderr, "%s:%d: %s gives %s, expected %s\n", file, line, call,
                llmq_status_name(got), llmq_status_name(expected));
  abort();
}

static inline void check_int(const char* file, int line, long long expected, long long got,
                             const char* what) {
  if (expected == got) return;
  (void)fprintf(stderr, "%s:%d: %s is %lld, expected %lld\n", file, line, what, got, expected);
  abort();
}

static inline void check_text(const char* file, int line, const char* expected, const char* got,
                              const char* what) {
  if (got != NULL && strcmp(expected, got) == 0) return;
  (void)fprintf(stderr, "%s:%d: %s is \"%s\", expected \"%s\"\n", file, line, what,
                got == NULL ? "(NULL)" : got, expected);
  abort();
}

static inline void check_has(const char* file, int line, const char* part, const char* got,
                             const char* what) {
  if (got != NULL && strstr(got, part) != NULL) return;
  (void)fprintf(stderr, "%s:%d: %s is \"%s\", expected to contain \"%s\"\n", file, line, what,
                got == NULL ? "(NULL)" : got, part);
  abort();
}

#endif /* LLMQ_TESTS_CAPI_CHECK_H_ */
