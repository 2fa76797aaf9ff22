#include "runtime/history.h"

#include <new>
#include <utility>

namespace llmq::runtime {
namespace {

constexpr size_t kFirstIndex = 1024;

bool is_kept(const Response& place) { return core::is_final(place.summary.state); }

}  // namespace

void History::add(const std::vector<Summary>& summaries) {
  if (per_model_ == 0) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const Summary& summary : summaries) {
    if (summary.model >= rings_.size()) rings_.resize(summary.model + 1);
    Ring& ring = rings_[summary.model];
    uint32_t at = 0;
    if (ring.last.size() < per_model_) {
      at = static_cast<uint32_t>(ring.last.size());
      ring.last.push_back(summary);
    } else {
      at = static_cast<uint32_t>(ring.next);
      index_erase(ring.last[at].id);
      ring.last[at] = summary;
      ring.next = (ring.next + 1) % per_model_;
    }
    index_insert(Place{summary.id, summary.model, at});
  }
}

// Until the response is kept, its state says that nobody is to see it.
Response* History::make_place(uint64_t id, core::TimeNs now) {
  if (keep_max_ == 0) return nullptr;
  auto place = std::make_unique<Response>(memory_);
  place->summary.id = id;
  place->summary.finished = now;
  const std::lock_guard<std::mutex> lock(mutex_);
  drop_old(now);
  if (kept_.size() == keep_max_) {
    kept_by_id_.erase(kept_.front()->summary.id);
    kept_.pop_front();
  }
  kept_.push_back(std::move(place));
  try {
    kept_by_id_.emplace(id, std::prev(kept_.end()));
  } catch (const std::bad_alloc&) {
    kept_.pop_back();
    throw;
  }
  return kept_.back().get();
}

void History::drop_place(uint64_t id) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = kept_by_id_.find(id);
  if (found == kept_by_id_.end()) return;
  kept_.erase(found->second);
  kept_by_id_.erase(found);
}

void History::keep(const Summary& summary, std::atomic<uint8_t>& state) noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto place = kept_by_id_.find(summary.id);
  if (place == kept_by_id_.end()) return;
  (*place->second)->summary = summary;
  state.store(static_cast<uint8_t>(summary.state), std::memory_order_release);
}

std::optional<Summary> History::find(uint64_t id) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (const Place* place = index_find(id); place != nullptr) {
    return rings_[place->model].last[place->at];
  }
  const auto kept = kept_by_id_.find(id);
  if (kept == kept_by_id_.end() || !is_kept(**kept->second)) return std::nullopt;
  return (*kept->second)->summary;
}

std::unique_ptr<Response> History::take(uint64_t id, core::TimeNs now) {
  const std::lock_guard<std::mutex> lock(mutex_);
  drop_old(now);
  const auto found = kept_by_id_.find(id);
  if (found == kept_by_id_.end() || !is_kept(**found->second)) return nullptr;
  std::unique_ptr<Response> response = std::move(*found->second);
  kept_.erase(found->second);
  kept_by_id_.erase(found);
  return response;
}

void History::set_usage(uint64_t id, const core::Usage& usage) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (const Place* place = index_find(id); place != nullptr) {
    Summary& summary = rings_[place->model].last[place->at];
    summary.usage = usage;
    summary.usage_known = true;
  }
  const auto kept = kept_by_id_.find(id);
  if (kept != kept_by_id_.end()) {
    (*kept->second)->summary.usage = usage;
    (*kept->second)->summary.usage_known = true;
  }
}

void History::drop_old(core::TimeNs now) {
  while (!kept_.empty() && kept_.front()->summary.finished + keep_age_ <= now) {
    kept_by_id_.erase(kept_.front()->summary.id);
    kept_.pop_front();
  }
}

size_t History::home_of(uint64_t id) const {
  return static_cast<size_t>((id * 0x9e3779b97f4a7c15ULL) >> 20) & (index_.size() - 1);
}

const History::Place* History::index_find(uint64_t id) const {
  if (index_.empty()) return nullptr;
  for (size_t at = home_of(id);; at = (at + 1) & (index_.size() - 1)) {
    if (index_[at].id == id) return &index_[at];
    if (index_[at].id == 0) return nullptr;
  }
}

void History::index_insert(const Place& place) {
  if (index_.empty() || (indexed_ + 1) * 2 > index_.size()) index_grow();
  size_t at = home_of(place.id);
  while (index_[at].id != 0) at = (at + 1) & (index_.size() - 1);
  index_[at] = place;
  ++indexed_;
}

// Closes the gap, so that no search ends too early.
void History::index_erase(uint64_t id) {
  const Place* found = index_find(id);
  if (found == nullptr) return;
  const size_t mask = index_.size() - 1;
  auto gap = static_cast<size_t>(found - index_.data());
  for (size_t at = (gap + 1) & mask; index_[at].id != 0; at = (at + 1) & mask) {
    const size_t wanted = home_of(index_[at].id);
    if (((at - wanted) & mask) < ((at - gap) & mask)) continue;
    index_[gap] = index_[at];
    gap = at;
  }
  index_[gap] = Place{};
  --indexed_;
}

void History::index_grow() {
  std::vector<Place> old(index_.empty() ? kFirstIndex : index_.size() * 2);
  old.swap(index_);
  indexed_ = 0;
  for (const Place& place : old) {
    if (place.id != 0) index_insert(place);
  }
}

}  // namespace llmq::runtime
