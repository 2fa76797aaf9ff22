#include "cli/flags.h"

namespace llmq::cli {

void add_call_flags(CLI::App& command, CallFlags& flags) {
  command.add_option("--provider", flags.provider, "openai (default) or mock [LLMQ_PROVIDER]");
  command.add_option("--base-url", flags.base_url,
                     "Where the API is, with or without /v1 [LLMQ_BASE_URL, OPENAI_BASE_URL]");
  command.add_option("--api-key-env", flags.api_key_env,
                     "Environment variable that holds the key (default OPENAI_API_KEY) "
                     "[LLMQ_API_KEY_ENV]");
  command
      .add_option("--limit", flags.limits,
                  "requests=500/1m, tokens=30000/1m, concurrency=8; MODEL:KIND=... for one model; "
                  "repeatable [LLMQ_LIMIT, separated by ;]")
      ->type_name("KIND=N/PERIOD")
      ->expected(1)
      ->take_all();
  command.add_option("--timeout", flags.timeout,
                     "Longest that one attempt may take, as 30s or 2m "
                     "[LLMQ_TIMEOUT]");
  command.add_option("--max-attempts", flags.max_attempts,
                     "Attempts per request, the first included [LLMQ_MAX_ATTEMPTS]");
}

}  // namespace llmq::cli
