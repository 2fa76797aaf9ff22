/* llmq.h, section Configuration: where log lines go. */
#include <fcntl.h>
#include <unistd.h>

#include "helpers.h"

struct lines {
  pthread_mutex_t mutex;
  int count;
  int32_t least;
  char last[512];
};

static void take_line(void* user, int32_t level, const char* text, size_t text_len) {
  struct lines* lines = user;
  pthread_mutex_lock(&lines->mutex);
  ++lines->count;
  if (level < lines->least) lines->least = level;
  CHECK(text_len > 0 && text[text_len - 1] != '\n');
  const size_t n = text_len < sizeof lines->last - 1 ? text_len : sizeof lines->last - 1;
  memcpy(lines->last, text, n);
  lines->last[n] = '\0';
  pthread_mutex_unlock(&lines->mutex);
}

static void lines_init(struct lines* lines) {
  memset(lines, 0, sizeof *lines);
  pthread_mutex_init(&lines->mutex, NULL);
  lines->least = LLMQ_LOG_OFF;
}

/* A manager's life with work and a failure in it. */
static void use_manager(const llmq_conf_t* conf) {
  llmq_manager_t* manager = NULL;
  CHECK_OK(llmq_manager_create(conf, &manager, NULL));
  llmq_request_t request = request_to("m", "payload that no log line may hold");
  request.request_key = "k";
  request.request_key_len = 1;
  llmq_response_t* response = NULL;
  CHECK_OK(llmq_submit_wait(manager, &request, PATIENCE, &response));
  llmq_response_free(response);
  CHECK_OK(llmq_manager_destroy(manager));
}

static llmq_conf_t* failing_mock(void) {
  return conf_of(
      "{\"models\":[{\"name\":\"m\",\"provider\":\"mock\",\"mock\":{\"latency_ms\":0,"
      "\"fail_server\":1},\"retry\":{\"max_attempts\":2,\"base_ms\":1,\"cap_ms\":1}}]}");
}

static void refuses_bad_arguments_and_frees_user(void) {
  int freed = 0;
  llmq_conf_t* conf = NULL;
  CHECK_OK(llmq_conf_create(&conf));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG,
               llmq_conf_set_log(NULL, LLMQ_LOG_INFO, take_line, &freed, count_call));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG,
               llmq_conf_set_log(JUNK, LLMQ_LOG_INFO, take_line, &freed, count_call));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG, llmq_conf_set_log(conf, -1, take_line, &freed, count_call));
  CHECK_STATUS(LLMQ_ERR_INVALID_ARG,
               llmq_conf_set_log(conf, LLMQ_LOG_OFF + 1, take_line, &freed, count_call));
  CHECK_INT(4, freed);
  CHECK_OK(llmq_conf_set_log(conf, LLMQ_LOG_INFO, take_line, &freed, count_call));
  CHECK_INT(4, freed);
  CHECK_OK(llmq_conf_set_log(conf, LLMQ_LOG_INFO, NULL, NULL, NULL));
  CHECK_INT(5, freed);
  llmq_conf_free(conf);
}

static void a_callback_gets_lines_from_its_level_up(void) {
  struct lines lines;
  int freed = 0;
  lines_init(&lines);
  llmq_conf_t* conf = failing_mock();
  CHECK_OK(llmq_conf_set_log(conf, LLMQ_LOG_DEBUG, take_line, &lines, NULL));
  use_manager(conf);
  CHECK(lines.count > 0);
  CHECK_INT(LLMQ_LOG_DEBUG, lines.least);
  CHECK(strstr(lines.last, "no log line may hold") == NULL);

  lines_init(&lines);
  CHECK_OK(llmq_conf_set_log(conf, LLMQ_LOG_INFO, take_line, &lines, NULL));
  use_manager(conf);
  CHECK(lines.count > 0);
  CHECK(lines.least >= LLMQ_LOG_INFO);

  lines_init(&lines);
  CHECK_OK(llmq_conf_set_log(conf, LLMQ_LOG_OFF, take_line, &freed, count_call));
  use_manager(conf);
  CHECK_INT(0, lines.count);
  llmq_conf_free(conf);
  CHECK_INT(1, calls_of(&freed));
}

static long size_of_file(const char* path) {
  FILE* file = fopen(path, "rb");
  if (file == NULL) return -1;
  CHECK_INT(0, fseek(file, 0, SEEK_END));
  const long size = ftell(file);
  (void)fclose(file);
  return size;
}

static void make_temporary(char* path) {
  const int fd = mkstemp(path);
  CHECK(fd >= 0);
  (void)close(fd);
}

/* Runs `use_manager` with stdout and stderr in a file; gives how many bytes were written. */
static long bytes_printed(const llmq_conf_t* conf) {
  char path[] = "/tmp/llmq_log_XXXXXX";
  const int file = mkstemp(path);
  CHECK(file >= 0);
  (void)fflush(stdout);
  (void)fflush(stderr);
  const int out = dup(1);
  const int err = dup(2);
  CHECK(dup2(file, 1) == 1 && dup2(file, 2) == 2);
  use_manager(conf);
  (void)fflush(stdout);
  CHECK(dup2(out, 1) == 1 && dup2(err, 2) == 2);
  (void)close(out);
  (void)close(err);
  (void)close(file);
  const long size = size_of_file(path);
  (void)unlink(path);
  return size;
}

static void silent_by_default(void) {
  llmq_conf_t* conf = failing_mock();
  CHECK_INT(0, bytes_printed(conf));
  CHECK_OK(llmq_conf_set(conf, "log.level", "debug", NULL));
  CHECK(bytes_printed(conf) > 0);
  llmq_conf_free(conf);
}

static void the_key_log_file_takes_lines(void) {
  char path[] = "/tmp/llmq_log_XXXXXX";
  make_temporary(path);
  llmq_conf_t* conf = failing_mock();
  CHECK_OK(llmq_conf_set(conf, "log.level", "info", NULL));
  CHECK_OK(llmq_conf_set(conf, "log.file", path, NULL));
  CHECK_INT(0, bytes_printed(conf));
  CHECK(size_of_file(path) > 0);
  (void)unlink(path);

  CHECK_OK(llmq_conf_set(conf, "log.file", "/dev/null/log", NULL));
  llmq_manager_t* manager = NULL;
  llmq_error_t* err = NULL;
  CHECK_STATUS(LLMQ_ERR_INVALID_VALUE, llmq_manager_create(conf, &manager, &err));
  CHECK_TEXT("log.file", llmq_error_key(err));
  llmq_error_free(err);
  llmq_conf_free(conf);
}

static void the_environment_overrules_the_keys(void) {
  char path[] = "/tmp/llmq_log_XXXXXX";
  char setting[64];
  make_temporary(path);
  llmq_conf_t* conf = failing_mock();
  (void)snprintf(setting, sizeof setting, "debug:%s", path);
  CHECK_INT(0, setenv("LLMQ_LOG", setting, 1));
  CHECK_INT(0, bytes_printed(conf));
  CHECK(size_of_file(path) > 0);
  (void)unlink(path);

  CHECK_INT(0, setenv("LLMQ_LOG", "info", 1));
  CHECK(bytes_printed(conf) > 0);

  CHECK_OK(llmq_conf_set(conf, "log.level", "debug", NULL));
  CHECK_INT(0, setenv("LLMQ_LOG", "off", 1));
  CHECK_INT(0, bytes_printed(conf));

  CHECK_INT(0, setenv("LLMQ_LOG", "loud", 1));
  llmq_manager_t* manager = NULL;
  llmq_error_t* err = NULL;
  CHECK_STATUS(LLMQ_ERR_INVALID_VALUE, llmq_manager_create(conf, &manager, &err));
  CHECK_TEXT("LLMQ_LOG", llmq_error_key(err));
  llmq_error_free(err);
  CHECK_INT(0, unsetenv("LLMQ_LOG"));
  llmq_conf_free(conf);
}

/* Every line of a manager's life in one text, and a request that is known by a key. */
static void collect_line(void* user, int32_t level, const char* text, size_t text_len) {
  char* all = user;
  (void)level;
  CHECK(memchr(text, '\n', text_len) == NULL);
  CHECK(strlen(all) + text_len + 2 < 8192);
  strncat(all, text, text_len);
  strcat(all, "|");
}

static void lines_name_the_caller_s_key(void) {
  static char all[8192];
  llmq_conf_t* conf = failing_mock();
  llmq_manager_t* manager = NULL;
  llmq_response_t* response = NULL;
  char id[64];
  CHECK_OK(llmq_conf_set_log(conf, LLMQ_LOG_TRACE, collect_line, all, NULL));
  CHECK_OK(llmq_manager_create(conf, &manager, NULL));
  llmq_conf_free(conf);
  llmq_request_t request = request_to("m", "x");
  request.request_key = "order\n66";
  request.request_key_len = 8;
  CHECK_OK(llmq_submit_wait(manager, &request, PATIENCE, &response));
  (void)snprintf(id, sizeof id, "request %llu (order 66) of model m: attempt 2 failed",
                 (unsigned long long)llmq_response_request_id(response));
  llmq_response_free(response);
  CHECK_OK(llmq_manager_destroy(manager));
  CHECK_HAS(id, all);
  CHECK_HAS("(order 66) of model m: LLMQ_ERR_SERVER after 2 attempts", all);
}

/* As docs/troubleshooting.md says of warnings that are about a failure. */
static void a_warning_names_its_code(void) {
  static const char kWords[] = "used\nup";
  struct lines lines;
  lines_init(&lines);
  llmq_conf_t* conf = conf_of("{\"models\":[{\"name\":\"m\"}]}");
  llmq_manager_t* manager = NULL;
  CHECK_OK(llmq_conf_set_log(conf, LLMQ_LOG_WARN, take_line, &lines, NULL));
  CHECK_OK(llmq_manager_create(conf, &manager, NULL));
  llmq_conf_free(conf);
  llmq_cq_t* cq = new_cq();
  struct held held;
  hold_attempts(manager, "m", &held);
  const llmq_request_id_t id = submit_to_cq(manager, "m", "1", cq);
  CHECK_OK(llmq_attempt_fail(manager, nth_attempt(&held, 1), LLMQ_ERR_QUOTA_EXHAUSTED, kWords,
                             strlen(kWords), 0));
  expect_done(cq, id, LLMQ_ERR_QUOTA_EXHAUSTED, LLMQ_STATE_FAILED);
  CHECK_OK(llmq_manager_destroy(manager));
  llmq_cq_unref(cq);
  CHECK_INT(1, lines.count);
  CHECK_HAS("quota is used up: used up [LLMQ_ERR_QUOTA_EXHAUSTED]", lines.last);
}

static void a_full_disk_is_silent(void) {
  llmq_conf_t* conf = failing_mock();
  if (access("/dev/full", W_OK) != 0) {
    (void)fprintf(stderr, "skipped: there is no /dev/full\n");
    llmq_conf_free(conf);
    return;
  }
  CHECK_INT(0, setenv("LLMQ_LOG", "debug:/dev/full", 1));
  CHECK_INT(0, bytes_printed(conf));
  CHECK_INT(0, unsetenv("LLMQ_LOG"));
  llmq_conf_free(conf);
}

int main(void) {
  CHECK_INT(0, unsetenv("LLMQ_LOG"));
  RUN(refuses_bad_arguments_and_frees_user);
  RUN(a_callback_gets_lines_from_its_level_up);
  RUN(silent_by_default);
  RUN(the_key_log_file_takes_lines);
  RUN(the_environment_overrules_the_keys);
  RUN(lines_name_the_caller_s_key);
  RUN(a_warning_names_its_code);
  RUN(a_full_disk_is_silent);
  return 0;
}
