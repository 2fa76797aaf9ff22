// llmq/cpp/plan.hpp - what requests will take and cost, without sending them. Include
// llmq/llmq.hpp.
#ifndef LLMQ_CPP_PLAN_HPP_
#define LLMQ_CPP_PLAN_HPP_

#include <llmq/cpp/conf.hpp>
#include <llmq/cpp/request.hpp>

#include <memory>
#include <string>

namespace llmq {

// Requests of the models of a configuration, run once under a virtual clock.
class plan {
 public:
  explicit plan(const conf& models) {
    llmq_plan_t* made = nullptr;
    llmq_error_t* err = nullptr;
    const status code = llmq_plan_create(models.handle(), &made, &err);
    detail::check(code, err);
    handle_.reset(made);
  }
  // Throws as manager::submit would.
  void add(const request& what) {
    const llmq_request_t raw = what.raw();
    llmq_error_t* err = nullptr;
    const status code = llmq_plan_add(handle_.get(), &raw, &err);
    detail::check(code, err);
  }
  void add_models(const conf& models) {
    llmq_error_t* err = nullptr;
    const status code = llmq_plan_add_models(handle_.get(), models.handle(), &err);
    detail::check(code, err);
  }
  // The outcome as JSON: requests, tokens, cost, duration_ms, bound_by, and the same per model and
  // per tenant.
  std::string run() {
    char* json = nullptr;
    detail::check(llmq_plan_run(handle_.get(), &json, nullptr));
    return detail::take(json);
  }

 private:
  struct freer {
    void operator()(llmq_plan_t* made) const noexcept { llmq_plan_free(made); }
  };
  std::unique_ptr<llmq_plan_t, freer> handle_;
};

}  // namespace llmq

#endif  // LLMQ_CPP_PLAN_HPP_
