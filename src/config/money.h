// Money as text: a decimal number with at most 6 decimals, kept as millionths.
#ifndef LLMQ_CONFIG_MONEY_H_
#define LLMQ_CONFIG_MONEY_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace llmq::config {

// "12", "12.5" or "0.000001" in millionths; false if the text is anything else, negative, or more
// than core::kMaxLimitAmount millionths.
bool read_money(std::string_view text, int64_t& micros);

// The shortest text that read_money() takes for it; "12.5".
std::string money_text(int64_t micros);

}  // namespace llmq::config

#endif  // LLMQ_CONFIG_MONEY_H_
