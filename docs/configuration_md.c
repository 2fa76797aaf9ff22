/* Prints docs/configuration.md from the library's own list of keys. */
#include <llmq/llmq.h>
#include <stdio.h>
#include <string.h>

static void print_text(const char* text) {
  for (; *text != '\0'; ++text) {
    if (*text == '|') putchar('\\');
    putchar(*text);
  }
}

static void print_table(int of_models) {
  const char *key, *type, *def, *doc;
  size_t i;
  puts("| key | value | default | |\n|---|---|---|---|");
  for (i = 0; llmq_conf_key_at(i, &key, &type, &def, &doc) == LLMQ_OK; ++i) {
    if ((strncmp(key, "model.", 6) == 0) != of_models) continue;
    printf("| `%s` | ", key);
    print_text(type);
    printf(" | ");
    print_text(*def == '\0' ? "none" : def);
    printf(" | ");
    print_text(doc);
    puts(" |");
  }
}

int main(void) {
  puts(
      "# Configuration\n\n"
      "Generated from the library's table of keys; do not edit. `llmq_conf_set` takes the keys "
      "below,\n"
      "`llmq_conf_set_json` and `llmq run --config` take the same as one document:\n\n"
      "```json\n"
      "{\"max_pending\": 1000000, \"log\": {\"level\": \"info\"},\n"
      " \"models\": [\n"
      "   {\"name\": \"gpt-4o\",\n"
      "    \"limits\": [{\"requests\": 500, \"per\": \"1m\"}, {\"tokens\": 30000, \"per\": "
      "\"1m\"}, "
      "{\"concurrency\": 8}],\n"
      "    \"deployments\": [{\"provider\": \"openai\", \"api_key_env\": \"OPENAI_API_KEY\"}],\n"
      "    \"retry\": {\"max_attempts\": 8}}]}\n"
      "```\n\n"
      "`model.<name>.<key>` sets a key of one model; the name `*` gives defaults for all (in the "
      "document: a\n"
      "model named `*`). A model's own limits come before those of `*` for the same kind and "
      "period.\n"
      "`llmq check FILE` prints what a document amounts to.\n\n"
      "A limit as text is `KIND=AMOUNT/PERIOD`, with `,charge=HOW` and `,jitter=TIME` if need be; "
      "kinds are\n"
      "requests, tokens (input + output), input_tokens, output_tokens and concurrency (without a "
      "period);\n"
      "periods are 1s to 31d. A charge tells when the provider counts tokens: `arrival` (the "
      "estimate, when the\n"
      "call arrives; nothing is given back), `completion` (the usage, at the end), `realtime` (the "
      "usage, as it\n"
      "is produced), `actual` (the estimate when the call is sent, corrected to the usage in "
      "place).\n\n"
      "## The manager\n");
  print_table(0);
  puts("\n## Models\n");
  print_table(1);
  return 0;
}
