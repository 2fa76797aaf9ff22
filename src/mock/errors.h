// How each provider puts a problem into words.
#ifndef LLMQ_MOCK_ERRORS_H_
#define LLMQ_MOCK_ERRORS_H_

#include "mock/provider.h"

namespace llmq::mock {

ErrorReply describe_openai(const Problem& problem);
ErrorReply describe_azure(const Problem& problem);
ErrorReply describe_groq(const Problem& problem);
ErrorReply describe_mistral(const Problem& problem);
ErrorReply describe_together(const Problem& problem);
ErrorReply describe_fireworks(const Problem& problem);
ErrorReply describe_deepseek(const Problem& problem);
ErrorReply describe_xai(const Problem& problem);
ErrorReply describe_openrouter(const Problem& problem);
ErrorReply describe_vllm(const Problem& problem);
ErrorReply describe_llamacpp(const Problem& problem);
ErrorReply describe_gemini(const Problem& problem);
// Gemini behind OpenAI's wire form: the same object in an array.
ErrorReply describe_gemini_openai(const Problem& problem);
ErrorReply describe_anthropic(const Problem& problem);
ErrorReply describe_cohere(const Problem& problem);
ErrorReply describe_ollama(const Problem& problem);

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_ERRORS_H_
