#include "core/tenants.h"

#include <algorithm>

namespace llmq::core {

Account& Accounts::open(TenantIndex tenant) {
  if (tenant >= places_.size()) places_.resize(std::max<size_t>(tenant + 1, 2 * places_.size()));
  Account& account = accounts_.emplace_back();
  account.flows.tenant = tenant;
  places_[tenant] = static_cast<uint32_t>(accounts_.size());
  return account;
}

OwnLimits& Accounts::own_limits(TimeNs now, Account& account, ModelIndex model,
                                const std::vector<LimitSpec>& specs, const Prices& prices) {
  if (account.own != nullptr) return up_to_date(*account.own);
  drop_unused(now);
  auto own = std::make_unique<OwnLimits>(specs, prices);
  own_order_.push_back(account.flows.tenant);
  account.own = std::move(own);
  account.own->model = model;
  account.own->tenant = account.flows.tenant;
  account.own->number = next_number_++;
  return up_to_date(*account.own);
}

OwnLimits* Accounts::own_limits(TenantIndex tenant, uint32_t number) {
  if (number == 0) return nullptr;
  OwnLimits* const own = of(tenant).own.get();
  return own != nullptr && own->number == number ? &up_to_date(*own) : nullptr;
}

bool Accounts::set_windows(Calendar calendar, const WindowTimes& times) {
  std::optional<WindowTimes>& known = windows_[static_cast<size_t>(calendar)];
  bool sooner = !known;
  if (known) {
    const TimeNs told = times.start < known->end ? known->end : known->next_end;
    sooner = times.end + kCalendarTolerance < told;
  }
  known = times;
  ++windows_told_;
  return sooner;
}

void Accounts::take_windows(OwnLimits& own) const {
  own.windows = windows_told_;
  for (Limit* limit : own.limiter.limits()) {
    const auto& times = windows_[static_cast<size_t>(limit->spec().calendar)];
    if (times) limit->set_windows(times->start, times->end, times->next_end);
  }
}

// Two at a time, so that a new tenant costs the same however many there are.
void Accounts::drop_unused(TimeNs now) {
  const auto is_used = [now](const Account& account) {
    OwnLimits& own = *account.own;
    if (own.running > 0 || account.flows.parked) return true;
    for (const Flow* flow : account.flows.flows) {
      if (flow != nullptr && !flow->line.empty()) return true;
    }
    const std::vector<Limit*>& limits = own.limiter.limits();
    return std::any_of(limits.begin(), limits.end(),
                       [now](Limit* limit) { return !limit->is_blank(now); });
  };
  for (int looked_at = 0; looked_at < 2 && !own_order_.empty(); ++looked_at) {
    const TenantIndex tenant = own_order_.front();
    Account& account = of(tenant);
    if (is_used(account)) {
      own_order_.push_back(tenant);
    } else {
      account.own.reset();
    }
    own_order_.pop_front();
  }
}

}  // namespace llmq::core
