// A value that many threads read without a lock while another one, now and then, replaces it.
//
// What was replaced is kept until nobody reads: that is asked at each replacement, so there are
// hardly ever more than two versions.
#ifndef LLMQ_RUNTIME_CURRENT_H_
#define LLMQ_RUNTIME_CURRENT_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace llmq::runtime {

template <typename T>
class Current {
 public:
  // Holds on to one version for the length of a scope.
  class Read {
   public:
    explicit Read(const Current& from) : from_(from) {
      from_.readers_.fetch_add(1, std::memory_order_seq_cst);
      value_ = from_.current_.load(std::memory_order_seq_cst);
    }
    ~Read() { from_.readers_.fetch_sub(1, std::memory_order_release); }
    Read(const Read&) = delete;
    Read& operator=(const Read&) = delete;

    const T& operator*() const { return *value_; }
    const T* operator->() const { return value_; }

   private:
    const Current& from_;
    const T* value_;
  };

  Current() { replace(T()); }
  Current(const Current&) = delete;
  Current& operator=(const Current&) = delete;

  Read read() const { return Read(*this); }

  // One thread at a time. What may fail for lack of memory, and what cannot.
  using Version = std::unique_ptr<const T>;
  Version prepare(T value) {
    versions_.reserve(versions_.size() + 1);
    return std::make_unique<const T>(std::move(value));
  }
  void replace(T value) { put(prepare(std::move(value))); }
  void put(Version version) noexcept {
    versions_.push_back(std::move(version));
    current_.store(versions_.back().get(), std::memory_order_seq_cst);
    // Whoever comes in from here on finds the new one.
    if (readers_.load(std::memory_order_seq_cst) != 0) return;
    versions_.erase(versions_.begin(), versions_.end() - 1);
  }

  size_t versions() const { return versions_.size(); }

 private:
  mutable std::atomic<uint32_t> readers_{0};
  std::atomic<const T*> current_{nullptr};
  std::vector<std::unique_ptr<const T>> versions_;  // the last one is the current one
};

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_CURRENT_H_
