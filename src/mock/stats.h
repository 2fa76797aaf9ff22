// What the mock saw, and the document in which GET /stats tells it.
#ifndef LLMQ_MOCK_STATS_H_
#define LLMQ_MOCK_STATS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_set>

#include "mock/account.h"

namespace llmq::mock {

struct Stats {
  int64_t requests = 0;             // arrivals at the API, whatever became of them
  std::map<int, int64_t> statuses;  // of the replies to them
  int64_t refused = 0;              // 429s that the limits gave; injected ones are only in statuses
  int64_t resets = 0;
  int64_t hangs = 0;           // streams that stall are among them
  int64_t broken_streams = 0;  // ended on purpose by an error, a cut or without their end marker
  // Refused calls that came again although, or because, they were told how long to wait.
  int64_t retries_told = 0;
  int64_t early_retries = 0;  // before that time
  Nanos latest_retry{};       // the most that one came after it
  int64_t client_gone = 0;    // accepted, but the client left before its answer
  int64_t duplicates = 0;     // answered with a success, as an equal request had been before
  int64_t input_tokens = 0;   // as the answers reported them
  int64_t output_tokens = 0;
  std::optional<int64_t> first_arrival_unix_ms;
  // Equal = the same x-request-key, or the same body where there is none. Hashes of those answered.
  std::unordered_set<uint64_t> answered;

  void count_success(uint64_t identity, const Usage& usage) {
    if (!answered.insert(identity).second) ++duplicates;
    input_tokens += usage.input_tokens;
    output_tokens += usage.output_tokens;
  }
};

// elapsed: since the first arrival; 0 if there was none.
std::string stats_to_json(const Stats& stats, const Account& account, Nanos elapsed);

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_STATS_H_
