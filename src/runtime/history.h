// What can still be read of finished requests: the last history_max outcomes of each model without
// payload, and the kept responses. Written by the loop, read by any thread.
#ifndef LLMQ_RUNTIME_HISTORY_H_
#define LLMQ_RUNTIME_HISTORY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "core/status.h"
#include "core/time.h"
#include "runtime/response.h"

namespace llmq::runtime {

class History {
 public:
  // What is kept is kept in `memory`.
  History(size_t per_model, size_t keep_max, core::DurationNs keep_age,
          std::shared_ptr<const Memory> memory)
      : per_model_(per_model),
        keep_max_(keep_max),
        keep_age_(keep_age),
        memory_(std::move(memory)) {}

  void add(const std::vector<Summary>& summaries);
  // Where a response is to be kept: its texts are filled in, then keep() needs no memory.
  Response* make_place(uint64_t id, core::TimeNs now);
  void drop_place(uint64_t id);
  // Publishes the final state of the request together with its response: who sees one sees the
  // other.
  void keep(const Summary& summary, std::atomic<uint8_t>& state) noexcept;

  std::optional<Summary> find(uint64_t id) const;
  // The kept response leaves; nullptr if there is none, or it has grown too old by `now`.
  std::unique_ptr<Response> take(uint64_t id, core::TimeNs now);
  // Usage that became known afterwards.
  void set_usage(uint64_t id, const core::Usage& usage);

 private:
  // A ring of the last summaries of one model.
  struct Ring {
    std::vector<Summary> last;
    size_t next = 0;
  };
  // Where a summary stands. Open addressing with linear probing: this is written once per finished
  // request.
  struct Place {
    uint64_t id = 0;  // 0 = free
    uint32_t model = 0;
    uint32_t at = 0;
  };

  void index_insert(const Place& place);
  void index_erase(uint64_t id);
  const Place* index_find(uint64_t id) const;
  void index_grow();
  size_t home_of(uint64_t id) const;
  void drop_old(core::TimeNs now);

  const size_t per_model_;
  const size_t keep_max_;
  const core::DurationNs keep_age_;
  const std::shared_ptr<const Memory> memory_;

  mutable std::mutex mutex_;  // guards all below
  std::vector<Ring> rings_;   // by model index
  std::vector<Place> index_;
  size_t indexed_ = 0;
  std::list<std::unique_ptr<Response>> kept_;  // oldest first
  std::unordered_map<uint64_t, std::list<std::unique_ptr<Response>>::iterator> kept_by_id_;
};

}  // namespace llmq::runtime

#endif  // LLMQ_RUNTIME_HISTORY_H_
