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

/* The keys that begin with `owner`; those of the manager where it is "". */
static void print_table(const char* owner) {
  static const char* const kOwners[] = {"model.", "pool.", "tenant."};
  const char *key, *type, *def, *doc;
  size_t i, o;
  puts("| key | value | default | |\n|---|---|---|---|");
  for (i = 0; llmq_conf_key_at(i, &key, &type, &def, &doc) == LLMQ_OK; ++i) {
    const char* whose = "";
    for (o = 0; o < sizeof kOwners / sizeof kOwners[0]; ++o) {
      if (strncmp(key, kOwners[o], strlen(kOwners[o])) == 0) whose = kOwners[o];
    }
    if (strcmp(whose, owner) != 0) continue;
    printf("| `%s` | ", key);
    print_text(type);
    printf(" | ");
    print_text(*def == '\0' ? "none" : def);
    printf(" | ");
    print_text(doc);
    puts(" |");
  }
}

static const char kIntroduction[] =
    "# Configuration\n\n"
    "Generated from the library's table of keys; do not edit. `llmq_conf_set` takes the keys "
    "below,\n"
    "`llmq_conf_set_json` and `llmq run --config` take the same as one document:\n\n"
    "```json\n"
    "{\"max_pending\": 1000000, \"log\": {\"level\": \"info\"},\n"
    " \"pools\": [{\"name\": \"account\", \"limits\": [{\"tokens\": 2000000, \"per\": \"1d\"}]}],\n"
    " \"tenants\": [{\"name\": \"batch\", \"weight\": 1}, {\"name\": \"live\", \"weight\": 4}],\n"
    " \"models\": [\n"
    "   {\"name\": \"gpt-4o\",\n"
    "    \"limits\": [{\"requests\": 500, \"per\": \"1m\"}, {\"tokens\": 30000, \"per\": \"1m\"}, "
    "{\"concurrency\": 8}],\n"
    "    \"pool\": [\"account\"], \"price_input\": 2.5, \"price_output\": 10,\n"
    "    \"deployments\": [{\"provider\": \"openai\", \"api_key_env\": \"OPENAI_API_KEY\"}],\n"
    "    \"retry\": {\"max_attempts\": 8}}]}\n"
    "```\n\n"
    "`model.<name>.<key>` sets a key of one model; the name `*` gives defaults for all (in the "
    "document: a\n"
    "model named `*`); pools and tenants likewise. A model's own limits come before those of `*` "
    "for the same\n"
    "kind and period. `llmq check FILE` prints what a document amounts to and where each value "
    "comes from; a key\n"
    "variable that is not set is a warning there, since it may be set where the document is "
    "used.\n\n"
    "Keys marked Live can be changed while a manager runs, by `llmq_manager_set`; what the "
    "limits "
    "have counted\n"
    "stays.\n";

static const char kDeployments[] =
    "\n## Deployments\n\n"
    "A model may be called at several places, each with an endpoint, a key and limits of its "
    "own:\n\n"
    "```json\n"
    "{\"models\": [{\"name\": \"gpt-4o\", \"provider\": \"openai\", \"rpm\": 900,\n"
    "  \"deployments\": [\n"
    "    {\"name\": \"east\", \"base_url\": \"https://east.example.com/v1\", \"api_key_env\": "
    "\"EAST_KEY\", \"tpm\": 30000},\n"
    "    {\"name\": \"west\", \"provider\": \"azure\", \"base_url\": "
    "\"https://west.openai.azure.com\", \"weight\": 2}]}]}\n"
    "```\n\n"
    "Keys marked Per deployment may be set for each, as `model.<name>.deployments.<name>.<key>`; "
    "what a deployment does\n"
    "not say its model says, then `*`. In the document one deployment without a name is the model "
    "itself; of several, those\n"
    "without one are called by their place, `0`, `1`. A request goes to the deployment that can "
    "start it first.\n\n"
    "Limits are no default. What a deployment names is its own, as its provider counts it; so are "
    "those of a preset. Limits of\n"
    "a model whose deployments have names bound all of them together: no provider counts these, so "
    "they are `sliding` with\n"
    "`charge=actual` unless they say otherwise, and no answer changes them. Limits `per_tenant` "
    "are "
    "the model's. A `pool` may be\n"
    "shared by deployments of different models: the quota of one account. Deployments are added "
    "and removed while calls run\n"
    "by `llmq_manager_add_deployment` and `llmq_manager_remove_deployment`. A model that a "
    "processor runs has one.\n";

static const char kLimits[] =
    "\n## Limits\n\n"
    "A limit as text is `KIND=AMOUNT/PERIOD` and its options, separated by commas: "
    "`requests=300/6s,shape=bucket,burst=30`.\n"
    "In JSON each is a member: `{\"requests\": 300, \"per\": \"6s\", \"shape\": \"bucket\", "
    "\"burst\": 30}`. Several limits of one\n"
    "kind with different periods hold together; the same kind and period twice is an error.\n\n"
    "Kinds are `requests`, `tokens` (input + output), `input_tokens`, `output_tokens`, `cost` "
    "(money "
    "with at most 6\n"
    "decimals, in the unit of the model's prices) and `concurrency` (without a period). Periods "
    "are "
    "1s to 31d.\n\n"
    "| option | |\n|---|---|\n"
    "| `shape=sliding` | Never more than AMOUNT in any window of the period; all at once from "
    "idle. "
    "The default, but for built-in HTTP providers. |\n"
    "| `shape=bucket` | A bucket that holds `burst` and is filled at AMOUNT per period. |\n"
    "| `shape=fixed` | AMOUNT per window of a grid. |\n"
    "| `shape=paced` | One after another, at even distances. |\n"
    "| `shape=quantised` | The period is counted in slices, each with its part of AMOUNT. |\n"
    "| `shape=auto` | Learned from what the provider answers. The default with a provider over "
    "HTTP. |\n"
    "| `burst=30`, `burst=0.1` | What a bucket holds: a number, or, written with a point, a part "
    "of "
    "AMOUNT. With bucket and auto alone; AMOUNT if not given. |\n"
    "| `slice=1s` | Length of a slice, 1s up to the period. With quantised (default 1s) and auto "
    "alone. |\n"
    "| `charge=arrival` | Tokens and cost: the estimate counts, when the call arrives; nothing is "
    "given back. |\n"
    "| `charge=completion` | The usage counts, when the call ends. On sliding limits of tokens or "
    "output tokens running calls count by what is expected of them (projected), once 200 outputs "
    "are known. |\n"
    "| `charge=realtime` | The usage counts, as it is produced. Projected like `completion`. |\n"
    "| `charge=actual` | The estimate counts when the call is sent, and is corrected to the usage "
    "in "
    "place. |\n"
    "| `charge=unknown` | Any of these: the larger of estimate and usage counts, until a period "
    "after the end. |\n"
    "| `jitter=20ms`, `jitter=auto` | Most that the way to the provider's counter varies; at most "
    "1h. auto: a hundredth of the period, 20 ms .. 250 ms. |\n"
    "| `calendar=day` | In place of a period: windows of the calendar, `minute`, `hour`, `day`, "
    "`week` or `month`, in the `time_zone` of the model or pool; always fixed. |\n"
    "| `share=1/4` | This process has one of four equal parts of AMOUNT and burst, rounded down. "
    "|\n"
    "| `per_tenant` | Each tenant has the limit to itself. In JSON true or false. |\n"
    "| `refused=count`, `refused=free` | Requests: whether a call that the provider refuses counts "
    "(default) or not. |\n"
    "| `oversize=refuse`, `oversize=alone` | Tokens and cost: a call larger than AMOUNT is refused "
    "(default), or runs alone and leaves a debt. |\n\n"
    "`--limit` of the program takes the same text. `--limit KIND=...` takes the place of all "
    "limits "
    "that the\n"
    "configuration gives; `--limit MODEL:KIND=...` takes the place of that model's limit of the "
    "same kind and\n"
    "period alone, as the key `model.<name>.limit` does.\n";

static void print_providers(void) {
  const char *name, *base_url, *key_variable, *charge, *version;
  size_t i;
  puts(
      "\n## Providers\n\nWhat these keys are with each provider over HTTP unless they are set.\n\n"
      "| `provider` | `base_url` | `api_key_env` | `charge` | `api_version` "
      "|\n|---|---|---|---|---|");
  for (i = 0;
       llmq_conf_provider_at(i, &name, &base_url, &key_variable, &charge, &version) == LLMQ_OK;
       ++i) {
    printf("| `%s` | %s | %s | `%s` | %s |\n", name, *base_url == '\0' ? "must be set" : base_url,
           *key_variable == '\0' ? "none" : key_variable, charge,
           *version == '\0' ? "none" : version);
  }
}

int main(void) {
  fputs(kIntroduction, stdout);
  fputs(kDeployments, stdout);
  fputs(kLimits, stdout);
  puts("\n## The manager\n");
  print_table("");
  puts("\n## Models\n");
  print_table("model.");
  print_providers();
  puts("\n## Pools\n\nThe limits of a pool are shared by all models whose `pool` names it.\n");
  print_table("pool.");
  puts(
      "\n## Tenants\n\nA request names its tenant; `*` is for those without settings of their "
      "own.\n");
  print_table("tenant.");
  return 0;
}
