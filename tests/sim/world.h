// The world around the engine, simulated: callers, the way to the provider, the provider, a clock
// that only moves when something happens. What the engine does is checked on the way.
#ifndef LLMQ_TESTS_SIM_WORLD_H_
#define LLMQ_TESTS_SIM_WORLD_H_

#include <array>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "core/engine.h"
#include "tests/sim/books.h"
#include "tests/sim/event_heap.h"
#include "tests/sim/findings.h"
#include "tests/sim/providers.h"
#include "tests/sim/random.h"
#include "tests/sim/scenario.h"
#include "tests/support/notice_check.h"

namespace llmq::simulator {

class Oracle;

inline constexpr int64_t kStart = 10'000'000'000;  // virtual ns at which a run begins

// What one run came to.
struct Outcome {
  uint64_t requests = 0;
  uint64_t attempts = 0;
  uint64_t completed = 0;
  uint64_t steps = 0;   // of the engine
  uint64_t events = 0;  // in the world: submissions, wake-ups, and all that happens on the way
  uint64_t ticks = 0;
  uint64_t refused = 0;    // for want of room, not by a fault
  uint64_t projected = 0;  // attempts of a run with projected limits
  uint64_t overdrawn = 0;  // of these: where what ran used more than was expected
  uint64_t violations = 0;
  uint64_t heap_bytes = 0;  // in use at the end; 0 if unknown
  // Since Scenario::measured_from: what the provider counted, until its last acceptance.
  std::array<int64_t, kMaxRates> units{};
  int64_t measured = 0;  // ns
  uint64_t hash = 0;     // of everything that the engine decided, and when
};

class World {
 public:
  World();
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // `trace`: every event and action as a line of text; may be null.
  Outcome run(const Scenario& scenario, Findings& findings, std::FILE* trace);

 private:
  friend class Oracle;

  // A request of a caller. The engine's record is the first member: a slot is found from it.
  struct Slot {
    core::Request record;
    std::array<Booking, kMaxRates> bookings;
    Booking of_tenant;                        // of the tenant's own limit
    int64_t not_before = 0;                   // the provider asked this request to wait
    core::TimeNs first_start = core::kNever;  // its first promise as the head of the line
    uint32_t generation = 0;                  // of the attempt: reports of older ones are late
    uint32_t call = 0;                        // at the provider
    uint32_t call_generation = 0;
    uint32_t actual_input = 0;
    uint32_t actual_output = 0;
    uint32_t stream_output = 0;  // of the answer that is received in so many parts
    uint32_t stream_parts = 0;
    uint32_t parts_heard = 0;
    uint64_t disturbed = 0;  // World::disturbances_ when that was promised
    bool live = false;
    bool reserved = false;
    bool running = false;
    bool sent = false;
    uint8_t attempts = 0;
    uint8_t quota_waits = 0;  // attempts that met the end of the quota, and wait for more
    uint64_t settled = 0;     // the step that ended an attempt of it
    // the answer on its way
    bool usage_known = false;
    core::Status status = core::Status::kOk;
    int64_t retry_after = 0;
    const core::Observed* observed = nullptr;
  };
  // A call at, or on its way to, the provider.
  struct Call {
    uint32_t generation = 0;
    uint32_t slot = 0;
    uint32_t slot_generation = 0;
    bool answers = true;
    bool arrived = false;
    int64_t arrives = 0;
    int64_t input = 0;
    int64_t output = 0;
    int64_t actual_input = 0;
    int64_t actual_output = 0;
    int64_t parts = 0;  // in which its output is produced
    int64_t produced = 0;
    core::Status status = core::Status::kOk;
    std::array<uint64_t, kMaxRates> entry{};
  };

  // What the engine knows of the account's quota, by model.
  struct Quota {
    bool exhausted = false;
    int64_t until = 0;
    const Slot* probe = nullptr;
  };
  struct LeasedRoom {
    int64_t amount = 0;
    int64_t expires = 0;
  };
  // A request that ended before its usage was known.
  struct Late {
    core::RequestId request = 0;
    core::ModelIndex model = 0;
    std::array<Booking, kMaxRates> bookings;
    core::Usage usage;
  };

  // world.cc: the clock and the callers
  void set_up(const Scenario& scenario);
  void loop();
  void happen(const Happening& event);
  void step(const core::Event& event);
  void tick(int64_t due);
  void submit_burst();
  void expect_burst();
  void submit(Slot& slot);
  void storm();
  void fall_asleep();
  void change_limits();

  // world_actions.cc
  void perform(const core::StartAttempt& action);
  void perform(const core::AbortAttempt& action);
  void perform(const core::FinishRequest& action);
  void perform(const core::Persist& action);
  void perform(const core::Lease& action);
  void perform(const core::UsageNoted& action);
  void perform(const core::Tell& action);
  template <typename Other>
  void perform(const Other&) {}
  void leave(Slot& slot);
  void hear(Slot& slot);
  void report(Slot& slot);
  void settle(Slot& slot, core::Status status, bool usage_known);

  // world_stores.cc: what holds room, and what stores and late callers bring
  void reserve(Slot& slot);
  void leave_room(Slot& slot);
  void book_sent(Slot& slot);
  void stored(Slot& slot);
  void take_back_unless_started();
  void expect_usage(const Slot& slot);
  void usage_known(uint32_t index);
  Book* own_book(const Slot& slot);
  void check_tenants();
  void grant_lease(uint32_t limit, int64_t amount);
  void take_lease();

  // world_quota.cc: an account that is used up
  void use_up_quota();
  bool has_no_quota(int64_t& wait);
  void note_quota(Slot& slot);
  void check_quota(const Slot& slot);
  void quota_ended(const Slot& slot);

  // wire.cc: the way there, the provider, the way back
  int64_t way();
  void send(Slot& slot);
  void hang_up(Slot& slot);
  void arrive(uint32_t index);
  bool is_full();
  void produce(uint32_t index);
  void end(uint32_t index);
  void drop(uint32_t index);
  void answer(const Call& call, core::Status status, int64_t after, int64_t retry_after);
  void tell_limits(const Call& call);
  int64_t needed(size_t limit, const Call& call) const;
  bool has_room(const Call& call, int64_t& wait);
  int64_t begin_output(uint32_t index);
  uint64_t count(size_t limit, int64_t cost);
  int64_t provider_now() const { return now_ + provider_ahead_; }

  // world_checks.cc
  void check();
  void check_use(size_t limit);
  int64_t foreign_use(size_t limit);
  void count_wake_ups();
  void at_rest();

  void mix(uint64_t value) { out_.hash = (out_.hash ^ value) * 0x100000001b3ULL; }
  uint32_t index_of(const Slot& slot) const { return static_cast<uint32_t>(&slot - slots_.data()); }
  Slot& slot_of(core::Request* request) { return *reinterpret_cast<Slot*>(request); }

  const Scenario* scenario_ = nullptr;
  Findings* findings_ = nullptr;
  std::FILE* trace_ = nullptr;
  Outcome out_;
  Draw draw_{0};
  core::ModelSpec spec_;
  std::vector<core::LimitSpec> limit_specs_;
  std::unique_ptr<core::Engine> engine_;
  core::Actions actions_;
  std::vector<core::Limit*> limits_;  // of the engine: rates, then concurrency
  std::vector<Book> books_;
  std::vector<Counter> counters_;
  std::unique_ptr<Oracle> oracle_;
  sim::NoticeCheck notice_check_;  // of what the engine tells

  EventHeap heap_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_slots_;
  std::vector<Call> calls_;
  std::vector<uint32_t> free_calls_;
  std::multiset<int64_t> serving_;        // ends of what the provider works on, if that is bounded
  std::vector<core::Observed> observed_;  // by slot: what its answer tells
  int64_t now_ = 0;
  int64_t wall_ms_ = 0;
  int64_t provider_ahead_ = 0;
  int64_t awake_at_ = 0;
  int64_t slept_ = 0;
  std::array<int64_t, 2> gate_{};  // of a model: a Retry-After that everybody obeys
  int64_t judged_from_ = 0;        // after a change of limits: not before what was underway is over
  int64_t longest_after_change_ = 0;
  std::array<int64_t, kMaxRates> foreign_{};  // that the engine had counted, by limit
  int64_t live_ = 0;
  bool callers_wait_ = false;  // as many requests live as may
  int64_t running_ = 0;
  int64_t concurrency_ = 0;
  // seldom used
  core::LimitSpec own_spec_;  // of each tenant
  std::vector<std::optional<Book>> own_books_;
  std::vector<size_t> own_touched_;  // since they were compared
  std::vector<LeasedRoom> leased_;
  std::vector<Late> late_;
  std::vector<uint32_t> free_late_;
  std::array<Quota, 2> quota_{};
  int64_t no_quota_until_ = 0;   // at the provider
  bool late_counts_ = false;     // the usage that is being told must be taken
  Slot* stored_ = nullptr;       // whose reservation the store has just confirmed
  bool gave_up_unsent_ = false;  // in this step: an attempt ended whose bytes never left
  uint64_t disturbances_ = 0;    // debts, gates, changes: promises made before them are off
  // wake-ups
  bool stepped_ = true;  // since wake_ was asked for
  int64_t wake_ = 0;
  int64_t second_ = 0;
  int64_t ticks_in_second_ = 0;
  int64_t work_in_second_ = 0;
};

}  // namespace llmq::simulator

#endif  // LLMQ_TESTS_SIM_WORLD_H_
