// How many tokens an image counts, by OpenAI's rule for gpt-4o and its kin.
#ifndef LLMQ_PROVIDER_IMAGE_TOKENS_H_
#define LLMQ_PROVIDER_IMAGE_TOKENS_H_

#include <cstdint>
#include <string_view>

namespace llmq::provider {

// Detail "low": 85. Else 85, and 170 for each tile of 512 x 512 pixels once the image has been made
// to fit 2048 x 2048 and its shorter side 768. `url` may hold the image itself (data:), as PNG; of
// any other nobody has seen the size, and it counts as 1024 x 1024: four tiles.
int64_t image_tokens(std::string_view url, std::string_view detail);

}  // namespace llmq::provider

#endif  // LLMQ_PROVIDER_IMAGE_TOKENS_H_
