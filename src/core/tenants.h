// Tenants: whom the engine keeps apart, so that none of them can take what belongs to the others.
//
// A tenant is a number that the host gives to a name. Per model it has an account: its places in
// line, its counters, and its own limits where the model has limits per tenant.
#ifndef LLMQ_CORE_TENANTS_H_
#define LLMQ_CORE_TENANTS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "core/limit/limiter.h"
#include "core/policy/retry_budget.h"
#include "core/queue/fair_queue.h"
#include "core/queue/timer_wheel.h"
#include "core/request.h"
#include "core/time.h"

namespace llmq::core {

struct TenantSpec {
  uint32_t weight = kWeightOne;    // its part where tenants compete: 1 .. kMaxWeight
  uint64_t max_pending = 0;        // requests that wait or run; 0 = no bound of its own
  uint64_t max_pending_bytes = 0;  // and what they keep in memory
};

// Over all models.
struct Tenant {
  TenantSpec spec;
  uint64_t pending = 0;
  uint64_t pending_bytes = 0;

  bool is_over_its_caps() const {
    return (spec.max_pending != 0 && pending > spec.max_pending) ||
           (spec.max_pending_bytes != 0 && pending_bytes > spec.max_pending_bytes);
  }
};

class Tenants {
 public:
  Tenant& of(TenantIndex index) {
    if (index >= tenants_.size()) tenants_.resize(index + 1);
    return tenants_[index];
  }

 private:
  std::vector<Tenant> tenants_;
};

// Totals since the model was added, but for pending and processing, which are now.
struct Counters {
  uint64_t submitted = 0;
  uint64_t completed = 0;
  uint64_t failed = 0;
  uint64_t cancelled = 0;
  uint64_t expired = 0;
  uint64_t attempts = 0;
  uint64_t retries = 0;
  uint64_t fallbacks = 0;  // requests that went to another model
  uint64_t rate_limited = 0;
  uint64_t pending = 0;
  uint64_t processing = 0;
  uint64_t input_tokens = 0;
  uint64_t output_tokens = 0;
  uint64_t cached_input_tokens = 0;
  uint64_t cost_micros = 0;
  uint64_t reasoning_tokens = 0;
  uint64_t hedges = 0;      // second calls beside a slow one; among the attempts
  uint64_t hedges_won = 0;  // whose output came first
  uint64_t joined = 0;      // requests that shared the call of one before them
};

// The limits per tenant of one model, for one tenant.
struct OwnLimits {
  OwnLimits(const std::vector<LimitSpec>& specs, const Prices& prices)
      : limiter(specs, kMaxLimitAmount, prices) {}

  // Found from its timer.
  static OwnLimits* of_timer(Timer* timer) { return reinterpret_cast<OwnLimits*>(timer); }

  Timer wake{TimerOwner::kTenant};  // when the parked tenant may go on. First member.
  ModelIndex model = 0;
  TenantIndex tenant = 0;
  uint32_t number = 0;      // never used again: late usage finds out whether they are still these
  uint32_t running = 0;     // attempts that hold something of them
  uint32_t windows = 0;     // which telling of the calendar's windows its limits know; 0: none
  size_t parked_class = 0;  // of the request that did not fit
  TimeNs parked_until = kNever;
  int parked_by = -1;  // place among the model's tenant_limits
  Limiter limiter;
};

struct Account {
  TenantFlows flows;
  std::unique_ptr<OwnLimits> own;
  std::unique_ptr<RetryBudget> retries;  // from its first retry on
  Counters counters;
};

// The accounts of one model. An account stays: its counters are totals.
class Accounts {
 public:
  // Made if there is none.
  Account& of(TenantIndex tenant) {
    if (tenant < places_.size() && places_[tenant] != 0) return accounts_[places_[tenant] - 1];
    return open(tenant);
  }
  const Account* find(TenantIndex tenant) const {
    if (tenant >= places_.size() || places_[tenant] == 0) return nullptr;
    return &accounts_[places_[tenant] - 1];
  }
  std::deque<Account>& all() { return accounts_; }

  // The tenant's own limits, made if there are none. Others that nobody uses any more go.
  OwnLimits& own_limits(TimeNs now, Account& account, ModelIndex model,
                        const std::vector<LimitSpec>& specs, const Prices& prices);
  // Those with that number; nullptr if they are gone.
  OwnLimits* own_limits(TenantIndex tenant, uint32_t number);
  // Those that an account has; nullptr if it has none.
  OwnLimits* own_limits(Account& account) {
    return account.own == nullptr ? nullptr : &up_to_date(*account.own);
  }
  // The windows of a calendar, for the own limits of all. They take them when they are next looked
  // at, so that an edge costs the same however many there are. True if an end that was told before
  // has come nearer: who was told a time may start sooner.
  bool set_windows(Calendar calendar, const WindowTimes& times);
  size_t with_own_limits() const { return own_order_.size(); }

 private:
  Account& open(TenantIndex tenant);
  void drop_unused(TimeNs now);
  OwnLimits& up_to_date(OwnLimits& own) {
    if (own.windows != windows_told_) take_windows(own);
    return own;
  }
  void take_windows(OwnLimits& own) const;

  std::deque<Account> accounts_;       // addresses never move
  std::vector<uint32_t> places_;       // by tenant: its place among them + 1
  std::deque<TenantIndex> own_order_;  // who has own limits
  uint32_t next_number_ = 1;
  std::array<std::optional<WindowTimes>, kCalendars> windows_;  // by calendar, as last told
  uint32_t windows_told_ = 0;                                   // times
};

}  // namespace llmq::core

#endif  // LLMQ_CORE_TENANTS_H_
