// Who decides when the calls of a trace start: the engine, or one of two simple rules to compare it
// with, over the same provider and with the same margin.
#ifndef LLMQ_TESTS_SIM_SCHEDULERS_H_
#define LLMQ_TESTS_SIM_SCHEDULERS_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "core/engine.h"
#include "tests/sim/providers.h"

namespace llmq::simulator {

struct Job {
  int64_t arrival = 0;  // ns
  int64_t input = 0;
  int64_t output = 0;
  uint8_t priority = 3;  // 1 urgent .. 4 batch
  uint32_t tenant = 0;
  int64_t submitted = -1;
  int64_t started = -1;       // the first time
  uint64_t start_number = 0;  // in the order of starts

  int64_t tokens() const { return input + output; }
};

// The limits of one provider account, as the schedulers are told them.
struct Limits {
  Rule tokens;  // amount 0: no such limit
  Rule requests;
  int64_t jitter = 0;  // J
};

class Scheduler {
 public:
  explicit Scheduler(std::vector<Job>& jobs) : jobs_(jobs) {}
  virtual ~Scheduler() = default;
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  virtual const char* name() const = 0;
  virtual void submit(int64_t now, uint32_t job) = 0;
  virtual void finished(int64_t now, uint32_t job, bool refused, int64_t retry_after) = 0;
  virtual void wake(int64_t now) = 0;
  virtual int64_t next_wake() const = 0;

  std::vector<uint32_t> started;  // by the last call; the driver empties it

 protected:
  std::vector<Job>& jobs_;
};

std::unique_ptr<Scheduler> engine_scheduler(std::vector<Job>& jobs, const Limits& limits);
// First come, first served: nobody passes a head that does not fit.
std::unique_ptr<Scheduler> fifo_scheduler(std::vector<Job>& jobs, const Limits& limits);
// Whoever fits goes, in order of arrival.
std::unique_ptr<Scheduler> greedy_scheduler(std::vector<Job>& jobs, const Limits& limits);

}  // namespace llmq::simulator

#endif  // LLMQ_TESTS_SIM_SCHEDULERS_H_
