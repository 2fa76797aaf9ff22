// The form of arguments that __attribute__((format(...))) checks: MinGW means by "printf" that of
// Windows, which is not the one that __USE_MINGW_ANSI_STDIO gives.
#ifndef LLMQ_TESTS_SUPPORT_PRINTF_FORM_H_
#define LLMQ_TESTS_SUPPORT_PRINTF_FORM_H_

#if defined(__MINGW32__)
#define LLMQ_TEST_PRINTF gnu_printf
#else
#define LLMQ_TEST_PRINTF printf
#endif

#endif  // LLMQ_TESTS_SUPPORT_PRINTF_FORM_H_
