// The list of models that GET /v1/models gives: one, since every name is served.
#ifndef LLMQ_MOCK_MODELS_H_
#define LLMQ_MOCK_MODELS_H_

#include <string>
#include <string_view>

namespace llmq::mock {

bool is_models_path(std::string_view path);
std::string models_body();

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_MODELS_H_
