// The limits that an answer's headers show, in every form that providers use.
#ifndef LLMQ_PROVIDER_RATE_LIMIT_HEADERS_H_
#define LLMQ_PROVIDER_RATE_LIMIT_HEADERS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/limit/observation.h"
#include "provider/limit_header_name.h"
#include "provider/profile.h"

namespace llmq::provider {

// Takes headers one by one, then says what they show together. Which names there are is told in
// limit_header_name.h; case does not matter. What is not understood is left out, field by field.
// Allocates nothing; keeps no view of what it was given.
class RateLimitHeaders {
 public:
  // What one group of headers shows; its kind is that of its counted units where the core has one.
  struct Shown {
    Counted counted = Counted::kRequests;
    Scope scope = Scope::kAccount;
    core::Observation seen;
  };

  // The provider's profile tells windows that headers leave out; nullptr: none is known.
  explicit RateLimitHeaders(const Profile* profile = nullptr) : profile_(profile) {}

  // Any header: others are skipped.
  void add(std::string_view name, std::string_view value);

  // Appends to `observed` what the core has a kind for; of a project and its account the tighter.
  // The wall clock serves resets that are points in time.
  void finish(int64_t wall_unix_ms, core::Observed& observed) const;

  size_t size() const { return count_; }
  // nothing: the group shows neither an amount nor a reset to come.
  std::optional<Shown> at(size_t index, int64_t wall_unix_ms) const;

  // The longest reset of what is used up; of groups that show nothing but a reset where none is.
  std::optional<core::DurationNs> reset_of_exhausted(int64_t wall_unix_ms) const;

  // What the provider charges for this call, in tokens; kNotTold.
  int64_t charged_tokens() const { return charged_tokens_; }

 private:
  struct Entry {
    LimitHeaderName of;
    int64_t limit = core::kNotTold;
    int64_t remaining = core::kNotTold;
    int64_t reset_ns = core::kNotTold;       // written with its unit
    double reset_number = -1;                // written without
    int64_t reset_unix_ms = core::kNotTold;  // written as a date
    int64_t renewal_ns = core::kNotTold;
  };
  static constexpr size_t kMost = 2 * core::Observed::kMost;

  Entry* entry_for(const LimitHeaderName& name);
  static void put(LimitField field, std::string_view value, Entry& entry);
  void add_structured(std::string_view value);
  int64_t window_ns(const Entry& entry) const;
  int64_t reset_ns(const Entry& entry, const core::Observation& seen, int64_t wall_unix_ms) const;
  core::Observation observation_of(const Entry& entry, int64_t wall_unix_ms) const;

  const Profile* profile_;
  std::array<Entry, kMost> entries_{};  // the first count_ of them
  size_t count_ = 0;
  int64_t charged_tokens_ = core::kNotTold;
};

}  // namespace llmq::provider

#endif  // LLMQ_PROVIDER_RATE_LIMIT_HEADERS_H_
