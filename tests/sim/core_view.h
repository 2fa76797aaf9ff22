// Parts of the core that not every build has, used where they are.
#ifndef LLMQ_TESTS_SIM_CORE_VIEW_H_
#define LLMQ_TESTS_SIM_CORE_VIEW_H_

#include <cstdint>

#include "core/engine.h"

namespace llmq::simulator {
namespace view {

template <typename R>
auto set_tenant(R& request, uint32_t tenant, int) -> decltype(request.tenant, void()) {
  request.tenant = tenant;
}
template <typename R>
void set_tenant(R&, uint32_t, long) {}

template <typename R>
constexpr auto has_tenant(int) -> decltype(R::tenant, bool()) {
  return true;
}
template <typename R>
constexpr bool has_tenant(long) {
  return false;
}

template <typename M>
auto head_of(M& model, int) -> decltype(model.head) {
  return model.head;
}
template <typename M>
auto head_of(M& model, long) -> decltype(model.queue.front()) {
  return model.queue.front();
}

template <typename M>
constexpr auto has_head(int) -> decltype(M::head, bool()) {
  return true;
}
template <typename M>
constexpr bool has_head(long) {
  return false;
}

}  // namespace view

// Priorities and tenants order the line, calls may pass a blocked head.
inline constexpr bool kSchedules = view::has_tenant<core::Request>(0);

inline void set_tenant(core::Request& request, uint32_t tenant) {
  view::set_tenant(request, tenant, 0);
}
// Who starts next, and is held up by a limit; nullptr if nobody is.
inline core::Request* head_of(core::Model& model) { return view::head_of(model, 0); }

}  // namespace llmq::simulator

#endif  // LLMQ_TESTS_SIM_CORE_VIEW_H_
