#include "runtime/registry.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace llmq::runtime {
namespace {

constexpr size_t kFirstSlots = 64;

// More than asked for, so that one after the other costs no more than all at once.
template <typename T>
void make_room(std::vector<T>& all, size_t more) {
  const size_t needed = all.size() + more;
  if (needed > all.capacity()) all.reserve(std::max(needed, all.capacity() * 2));
}

size_t hash_of(std::string_view name) { return std::hash<std::string_view>()(name); }

}  // namespace

Registry::Table::Table(size_t count) : mask(count - 1), slots(new std::atomic<ModelEntry*>[count]) {
  for (size_t i = 0; i < count; ++i) slots[i].store(nullptr, std::memory_order_relaxed);
}

Registry::Registry() {
  tables_.push_back(std::make_unique<Table>(kFirstSlots));
  table_.store(tables_.back().get(), std::memory_order_release);
}

ModelEntry* Registry::find(std::string_view name) const {
  const Table& table = *table_.load(std::memory_order_acquire);
  for (size_t at = hash_of(name) & table.mask;; at = (at + 1) & table.mask) {
    ModelEntry* entry = table.slots[at].load(std::memory_order_acquire);
    if (entry == nullptr) return nullptr;
    if (entry->config.name == name && !entry->removed.load(std::memory_order_acquire)) {
      return entry;
    }
  }
}

ModelEntry* Registry::by_index(core::ModelIndex index) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return index < entries_.size() ? entries_[index].get() : nullptr;
}

void Registry::reserve(size_t models, size_t pools) {
  make_room(entries_, models);
  make_room(pools_, pools);
  size_t slots = tables_.back()->mask + 1;
  while ((entries_.size() + models) * 2 >= slots) slots *= 2;
  if (slots > tables_.back()->mask + 1) grow(slots);
}

void Registry::add(std::unique_ptr<ModelEntry> entry) noexcept {
  entries_.push_back(std::move(entry));
  insert(*tables_.back(), entries_.back().get());
}

void Registry::grow(size_t slots) {
  tables_.reserve(tables_.size() + 1);
  auto bigger = std::make_unique<Table>(slots);
  for (const std::unique_ptr<ModelEntry>& known : entries_) {
    if (!known->removed.load(std::memory_order_relaxed)) insert(*bigger, known.get());
  }
  tables_.push_back(std::move(bigger));
  table_.store(tables_.back().get(), std::memory_order_release);
}

void Registry::insert(Table& table, ModelEntry* entry) {
  size_t at = hash_of(entry->config.name) & table.mask;
  while (table.slots[at].load(std::memory_order_relaxed) != nullptr) at = (at + 1) & table.mask;
  table.slots[at].store(entry, std::memory_order_release);
}

PoolEntry* Registry::find_pool(std::string_view name) const {
  for (const std::unique_ptr<PoolEntry>& pool : pools_) {
    if (pool->name == name) return pool.get();
  }
  return nullptr;
}

std::vector<ModelEntry*> Registry::models_of(const PoolEntry* pool) const {
  std::vector<ModelEntry*> models;
  for (const std::unique_ptr<ModelEntry>& entry : entries_) {
    if (entry->removed.load(std::memory_order_relaxed)) continue;
    const auto settings = entry->settings.read();
    const std::vector<DeploymentEntry*>& all = settings->entries;
    const bool draws = std::any_of(all.begin(), all.end(), [pool](const DeploymentEntry* one) {
      return std::find(one->pools.begin(), one->pools.end(), pool) != one->pools.end();
    });
    if (draws) models.push_back(entry.get());
  }
  return models;
}

std::vector<ModelEntry*> Registry::list() {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<ModelEntry*> models;
  for (const std::unique_ptr<ModelEntry>& entry : entries_) {
    if (!entry->removed.load(std::memory_order_relaxed)) models.push_back(entry.get());
  }
  return models;
}

}  // namespace llmq::runtime
