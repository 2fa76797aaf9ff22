#include "cli/flags.h"

namespace llmq::cli {

void add_call_flags(CLI::App& command, CallFlags& flags) {
  command.add_option(
      "--provider", flags.provider,
      "Whose API it is: openai (default), mock, or another that llmq(1) names [LLMQ_PROVIDER]");
  command.add_option("--preset", flags.preset,
                     "Limits that the provider publishes for a plan, as openai/tier-1; --limit "
                     "overrules them. llmq presets lists all [LLMQ_PRESET]");
  command.add_option("--base-url", flags.base_url,
                     "Where the API is, with or without /v1 [LLMQ_BASE_URL, OPENAI_BASE_URL]");
  command.add_option(
      "--api-key-env", flags.api_key_env,
      "Environment variable that holds the key (default: the provider's own, such as "
      "OPENAI_API_KEY) [LLMQ_API_KEY_ENV]");
  command
      .add_option(
          "--limit", flags.limits,
          "requests=500/1m, tokens=30000/1m,charge=actual, cost=5/1d, concurrency=8; in place "
          "of all limits of the configuration. MODEL:KIND=... in place of that model's limit "
          "of the same kind and period alone. Repeatable [LLMQ_LIMIT, separated by ;]")
      ->type_name("KIND=N/PERIOD")
      ->expected(1)
      ->take_all();
  command.add_option("--timeout", flags.timeout,
                     "Longest that one attempt may take, as 30s or 2m "
                     "[LLMQ_TIMEOUT]");
  command.add_option("--max-attempts", flags.max_attempts,
                     "Attempts per request, the first included [LLMQ_MAX_ATTEMPTS]");
  command.add_option("--price-input", flags.price_input,
                     "Money per million input tokens, for cost [LLMQ_PRICE_INPUT]");
  command.add_option("--price-output", flags.price_output,
                     "Money per million output tokens, for cost [LLMQ_PRICE_OUTPUT]");
}

}  // namespace llmq::cli
