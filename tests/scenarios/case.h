/* One case of tests/scenarios while it runs. README.md says what a case is. */
#ifndef LLMQ_TESTS_SCENARIOS_CASE_H_
#define LLMQ_TESTS_SCENARIOS_CASE_H_

#include <cjson/cJSON.h>
#include <llmq/llmq.h>
#include <pthread.h>

#define PATIENCE_NS INT64_C(60000000000) /* longer than any machine needs; nothing waits it out */
#define MS INT64_C(1000000)

struct request {
  char ref[32];
  llmq_request_id_t id;
  const cJSON* step;         /* its members, as submitted */
  char* payload;             /* owned */
  llmq_response_t* response; /* once it is done */
  cJSON* chunks;             /* texts, in order */
  int accepted;
  int attempts;             /* of them the processor has seen so many, */
  int stopped;              /* and so many it was told to stop */
  llmq_attempt_id_t permit; /* that was given; 0 = none yet */
  llmq_attempt_id_t held;   /* the one that waits for a `finish`; 0 = none */
};

struct scenario {
  const cJSON* root;
  const cJSON* processors;
  llmq_manager_t* manager;
  llmq_cq_t* cq;
  struct request* requests; /* as many as the steps submit, from the beginning */
  size_t count;
  size_t capacity;
  cJSON* done;    /* refs, in the order of their DONE */
  cJSON* permits; /* refs, in the order in which they are given */
  int closing;
  int closed;
  /* With workers in place of a processor. */
  llmq_cq_t* work;
  pthread_t worker;
  int64_t lease_ns;
  int stop;
  /* What the thread that runs attempts writes, too. */
  pthread_mutex_t mutex;
  cJSON* started; /* refs, in the order in which their attempts start */
};

/* Ends the program with the words; the case has failed. */
void fail(const char* format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* members.c: reading. Ends the program if the object has a member that is not among the words. */
int32_t word_of(const char* word, const char* const* words); /* its place; NULL ends them */
void check_status(const cJSON* step, llmq_status_t status, const char* what);
void known_members(const cJSON* object, const char* words, const char* what);
const char* text_of(const cJSON* object, const char* name, const char* otherwise);
int64_t number_of(const cJSON* object, const char* name, int64_t otherwise);
llmq_status_t status_of(const char* name);
llmq_usage_t usage_of(const cJSON* members);

/* requests.c */
struct request* find(struct scenario* run, const cJSON* step);
int64_t time_of(const cJSON* step, const char* name, int64_t base);
void submit(struct scenario* run, const cJSON* step);
void submit_batch(struct scenario* run, const cJSON* step);
void submit_many(struct scenario* run, const cJSON* step);
void acquire(struct scenario* run, const cJSON* step);
void release(struct scenario* run, const cJSON* step);

/* runner.c: one event. */
void take(struct scenario* run, llmq_event_t* event);
void done_callback(void* user, const llmq_event_t* event);

/* scripted.c: the processor, or the worker. */
void begin_worker(struct scenario* run);
void end_worker(struct scenario* run);
void set_processors(struct scenario* run);
void run_outcome(struct scenario* run, llmq_attempt_id_t attempt, const cJSON* outcome);

/* expectations.c */
int stats_are(struct scenario* run, const char* model, const cJSON* counters, int must);
void check_response(const char* ref, llmq_response_t* response, const cJSON* chunks,
                    const cJSON* expected);
void check_expectations(struct scenario* run, int64_t took_ns);

#endif /* LLMQ_TESTS_SCENARIOS_CASE_H_ */
