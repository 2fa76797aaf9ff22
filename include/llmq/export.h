/* llmq/export.h - which symbols leave the library. */
#ifndef LLMQ_EXPORT_H_
#define LLMQ_EXPORT_H_

#if defined(LLMQ_STATIC)
#define LLMQ_API
#elif defined(_WIN32)
#if defined(LLMQ_BUILDING)
#define LLMQ_API __declspec(dllexport)
#else
#define LLMQ_API __declspec(dllimport)
#endif
#elif defined(__GNUC__)
#define LLMQ_API __attribute__((visibility("default")))
#else
#define LLMQ_API
#endif

#endif /* LLMQ_EXPORT_H_ */
