// What the benchmarks share: a manager with one no-op model, and its requests.
#ifndef LLMQ_TESTS_BENCH_BENCH_SUPPORT_H_
#define LLMQ_TESTS_BENCH_BENCH_SUPPORT_H_

#include <llmq/llmq.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace llmq::bench {

inline void check(llmq_status_t status, const char* what) {
  if (status == LLMQ_OK) return;
  std::fprintf(stderr, "bench: %s: %s\n", what, llmq_status_name(status));
  std::exit(1);
}

// Model "noop" under requests, tokens and concurrency limits that never bind (or concurrency as
// given); its processor ends every attempt at once.
class NoopManager {
 public:
  explicit NoopManager(const char* concurrency = "1000000", bool with_processor = true) {
    llmq_conf_t* conf = nullptr;
    check(llmq_conf_create(&conf), "conf");
    check(llmq_conf_set(conf, "model.noop.rpm", "1000000000000", nullptr), "rpm");
    check(llmq_conf_set(conf, "model.noop.tpm", "1000000000000", nullptr), "tpm");
    check(llmq_conf_set(conf, "model.noop.concurrency", concurrency, nullptr), "concurrency");
    check(llmq_conf_set(conf, "model.noop.timeout_ms", "0", nullptr), "timeout_ms");
    check(llmq_manager_create(conf, &manager_, nullptr), "manager");
    llmq_conf_free(conf);
    if (!with_processor) return;
    check(llmq_model_set_processor(manager_, "noop", 4, &NoopManager::process, nullptr, manager_,
                                   nullptr),
          "processor");
  }
  NoopManager(const NoopManager&) = delete;
  NoopManager& operator=(const NoopManager&) = delete;
  ~NoopManager() { llmq_manager_destroy(manager_); }

  llmq_manager_t* get() const { return manager_; }

  // A request with a 64-byte payload.
  llmq_request_t request() const {
    static const std::string payload(64, 'x');
    llmq_request_t request{};
    request.struct_size = sizeof request;
    request.operation = LLMQ_OP_CUSTOM;
    request.model = "noop";
    request.model_len = 4;
    request.payload = payload.data();
    request.payload_len = payload.size();
    return request;
  }

 private:
  static void process(void* user, const llmq_event_t* event) {
    llmq_attempt_succeed(static_cast<llmq_manager_t*>(user), event->attempt_id, nullptr, 0,
                         nullptr);
  }

  llmq_manager_t* manager_ = nullptr;
};

// Submits `total` requests with at most `outstanding` unanswered, drains in batches; returns the
// nanoseconds.
int64_t run_through_queue(const NoopManager& manager, uint64_t total, uint64_t outstanding);

}  // namespace llmq::bench

#endif  // LLMQ_TESTS_BENCH_BENCH_SUPPORT_H_
