/* Anthropic's messages, streamed: each piece is printed when it comes. The key is in
 * ANTHROPIC_API_KEY; with LLMQ_MOCK, the address of `llmq mock`, no key is needed.
 *
 * The body is Anthropic's own (LLMQ_OP_MESSAGES) and goes out byte for byte. A body of OpenAI's
 * form (LLMQ_OP_CHAT, the default) would be translated. */
#include <llmq/llmq.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print(const llmq_event_t* event) {
  if (event->type == LLMQ_EV_CHUNK) {
    printf("%.*s\n", (int)event->data_len, (const char*)event->data);
  } else if (event->type == LLMQ_EV_DONE) {
    printf("%s: %d + %d tokens\n", llmq_status_name(event->status), (int)event->input_tokens,
           (int)event->output_tokens);
  }
}

int main(void) {
  const char* body =
      "{\"model\": \"claude-haiku-4-5\", \"max_tokens\": 20, \"stream\": true,"
      " \"messages\": [{\"role\": \"user\", \"content\": \"Name a river.\"}]}";
  const char* mock = getenv("LLMQ_MOCK");
  llmq_conf_t* conf = NULL;
  llmq_manager_t* manager = NULL;
  llmq_cq_t* queue = NULL;
  llmq_error_t* err = NULL;
  llmq_event_t event;
  llmq_request_t request;
  llmq_status_t status = LLMQ_OK;
  int done = 0;

  llmq_conf_create(&conf);
  llmq_conf_set(conf, "model.claude-haiku-4-5.provider", "anthropic", NULL);
  llmq_conf_set(conf, "model.claude-haiku-4-5.limits",
                "requests=50/1m;input_tokens=50000/1m;output_tokens=10000/1m", NULL);
  if (mock != NULL) llmq_conf_set(conf, "model.claude-haiku-4-5.base_url", mock, NULL);
  if (llmq_manager_create(conf, &manager, &err) != LLMQ_OK) {
    fprintf(stderr, "%s: %s\n", llmq_error_key(err), llmq_error_message(err));
    return 1;
  }
  llmq_conf_free(conf);
  if (llmq_cq_create(&queue) != LLMQ_OK) return 1;

  memset(&request, 0, sizeof request);
  request.struct_size = sizeof request;
  request.operation = LLMQ_OP_MESSAGES;
  request.model = "claude-haiku-4-5";
  request.model_len = strlen(request.model);
  request.payload = body;
  request.payload_len = strlen(body);
  request.cq = queue;
  if (llmq_submit(manager, &request, NULL) != LLMQ_OK) return 1;
  while (!done && llmq_cq_wait(queue, -1) == LLMQ_OK) {
    event.stride = sizeof event;
    if (llmq_cq_drain(queue, &event, 1) == 0) continue;
    print(&event);
    done = event.type == LLMQ_EV_DONE;
    if (done) status = event.status;
    llmq_events_release(&event, sizeof event, 1);
  }
  llmq_manager_destroy(manager);
  llmq_cq_unref(queue);
  return status == LLMQ_OK ? 0 : 1;
}
