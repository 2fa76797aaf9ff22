// Bodies of the neutral form (OpenAI's chat completions and embeddings) in the words of wires of
// another form. The body must be a JSON object; what cannot be said is noted in `fault`.
#ifndef LLMQ_PROVIDER_TRANSLATE_H_
#define LLMQ_PROVIDER_TRANSLATE_H_

#include <string>
#include <string_view>

#include "provider/neutral.h"

namespace llmq::provider {

// `model` is what the provider calls it, for wires that name it in the body; `stream` asks for the
// answer in pieces.
std::string anthropic_chat(std::string_view body, std::string_view model, bool stream,
                           Fault& fault);
std::string gemini_chat(std::string_view body, Fault& fault);
std::string gemini_embeddings(std::string_view body, std::string_view model, Fault& fault);
std::string cohere_chat(std::string_view body, std::string_view model, bool stream, Fault& fault);
std::string cohere_embeddings(std::string_view body, std::string_view model, Fault& fault);
std::string ollama_chat(std::string_view body, std::string_view model, bool stream, Fault& fault);
std::string ollama_embeddings(std::string_view body, std::string_view model, Fault& fault);

}  // namespace llmq::provider

#endif  // LLMQ_PROVIDER_TRANSLATE_H_
