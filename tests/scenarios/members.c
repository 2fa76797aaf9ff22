/* Members of a case, with complaints about what is not as README.md says. */
#include <string.h>

#include "case.h"

void known_members(const cJSON* object, const char* words, const char* what) {
  const cJSON* member = NULL;
  cJSON_ArrayForEach(member, object) {
    const size_t len = strlen(member->string);
    const char* at = words;
    while ((at = strstr(at, member->string)) != NULL) {
      if ((at == words || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0')) break;
      at += len;
    }
    if (at == NULL) fail("%s: unknown member \"%s\"", what, member->string);
  }
}

const char* text_of(const cJSON* object, const char* name, const char* otherwise) {
  const cJSON* item = cJSON_GetObjectItemCaseSensitive(object, name);
  if (item == NULL) return otherwise;
  if (!cJSON_IsString(item)) fail("\"%s\" is no text", name);
  return item->valuestring;
}

int64_t number_of(const cJSON* object, const char* name, int64_t otherwise) {
  const cJSON* item = cJSON_GetObjectItemCaseSensitive(object, name);
  if (item == NULL) return otherwise;
  if (cJSON_IsBool(item)) return cJSON_IsTrue(item);
  if (!cJSON_IsNumber(item)) fail("\"%s\" is no number", name);
  return (int64_t)item->valuedouble;
}

llmq_status_t status_of(const char* name) {
  for (llmq_status_t status = 0; status > -200; --status) {
    if (strcmp(llmq_status_name(status), name) == 0) return status;
  }
  fail("unknown status \"%s\"", name);
}

llmq_usage_t usage_of(const cJSON* members) {
  llmq_usage_t usage;
  memset(&usage, 0, sizeof usage);
  usage.struct_size = sizeof usage;
  usage.input_tokens = number_of(members, "input_tokens", 0);
  usage.output_tokens = number_of(members, "output_tokens", 0);
  usage.cached_input_tokens = number_of(members, "cached_input_tokens", 0);
  usage.cost_micros = number_of(members, "cost_micros", 0);
  usage.reasoning_tokens = number_of(members, "reasoning_tokens", 0);
  return usage;
}

/* The place of a word in a list that NULL ends. */
int32_t word_of(const char* word, const char* const* words) {
  for (int32_t i = 0; words[i] != NULL; ++i) {
    if (strcmp(words[i], word) == 0) return i;
  }
  fail("unknown word \"%s\"", word);
}

void check_status(const cJSON* step, llmq_status_t status, const char* what) {
  const char* expected = text_of(step, "error", "LLMQ_OK");
  if (strcmp(expected, llmq_status_name(status)) != 0) {
    fail("%s gives %s, expected %s", what, llmq_status_name(status), expected);
  }
}
