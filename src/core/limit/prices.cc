#include <algorithm>

#include "core/limit/limit_spec.h"

namespace llmq::core {

int64_t price_of(const Prices& prices, int64_t input, int64_t cached_input, int64_t output) {
  __extension__ using Wide = __int128;
  constexpr int64_t kTokensOfPrice = 1'000'000;
  const Wide sum = static_cast<Wide>(input) * prices.input +
                   static_cast<Wide>(cached_input) * prices.cached_input +
                   static_cast<Wide>(output) * prices.output;
  return static_cast<int64_t>(
      std::min<Wide>((sum + kTokensOfPrice - 1) / kTokensOfPrice, kMaxLimitAmount));
}

}  // namespace llmq::core
