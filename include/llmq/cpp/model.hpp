// llmq/cpp/model.hpp - typed models. Include llmq/llmq.hpp.
#ifndef LLMQ_CPP_MODEL_HPP_
#define LLMQ_CPP_MODEL_HPP_

#include <llmq/cpp/manager.hpp>

#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace llmq {

namespace detail {

template <class T>
using remove_cvref = std::remove_cv_t<std::remove_reference_t<T>>;

}  // namespace detail

// How a type travels. A program that only submits needs encode of its parameters and decode of its
// results; a processor needs the other two as well. Both may throw.
template <class T>
struct codec {
  std::function<std::string(const T&)> encode{};
  std::function<T(std::string_view)> decode{};
};

// A model whose requests are Params and whose answers are Result; any other type does not compile.
// Copies speak to the same model, which they may outlive.
template <class Params, class Result>
class model {
 public:
  // Runs a task somewhere, once: what moves typed processors off the loop thread.
  using executor = std::function<void(std::function<void()>)>;

  model(const manager& owner, std::string name, codec<Params> params, codec<Result> result)
      : manager_(llmq_manager_ref(owner.handle()), llmq_manager_unref),
        name_(std::move(name)),
        params_(std::move(params)),
        result_(std::move(result)) {
    need(params_.encode != nullptr && result_.decode != nullptr,
         "a typed model needs encode of its parameters and decode of its results");
  }
  model(const manager& owner, std::string name, std::function<std::string(const Params&)> encode,
        std::function<Result(std::string_view)> decode)
      : model(owner, std::move(name), codec<Params>{std::move(encode), {}},
              codec<Result>{{}, std::move(decode)}) {}

  const std::string& name() const noexcept { return name_; }

  // The decoded result, or as an exception what the request failed with or decode threw. `options`
  // gives everything but model and payload.
  std::future<Result> submit(const Params& params, request options = {}, request_id* id = nullptr) {
    options.model = name_;
    options.payload = params_.encode(params);
    std::promise<Result> promise;
    std::future<Result> future = promise.get_future();
    const request_id given = detail::submit(
        manager_.get(), options,
        [promise = std::move(promise), decode = result_.decode](const response& answer) mutable {
          try {
            promise.set_value(decode(answer.text()));
          } catch (...) {
            promise.set_exception(std::current_exception());
          }
        });
    if (id != nullptr) *id = given;
    return future;
  }
  // No conversions: what is not Params is a mistake.
  template <class Other, class... Rest,
            std::enable_if_t<!std::is_same_v<detail::remove_cvref<Other>, Params>, int> = 0>
  void submit(Other&&, Rest&&...) = delete;

  // fn(const Params&) gives the Result. It runs on the loop thread and must be quick, or through
  // `run`, there several at a time. What it throws fails the attempt: llmq::error with its code (so
  // rate_limited_error is retried), anything else with LLMQ_ERR_PROCESSING.
  template <class F>
  void set_processor(F fn, executor run = {}) {
    static_assert(std::is_invocable_v<F&, const Params&>, "a processor takes const Params&");
    static_assert(std::is_same_v<std::invoke_result_t<F&, const Params&>, Result>,
                  "a processor returns Result itself");
    need(params_.decode != nullptr && result_.encode != nullptr,
         "a typed processor needs decode of its parameters and encode of its results");
    auto work = [fn = std::move(fn), decode = params_.decode,
                 encode = result_.encode](attempt& job) mutable noexcept {
      answer(job, [&] { return encode(fn(decode(job.payload()))); });
    };
    auto shared = std::make_shared<decltype(work)>(std::move(work));
    detail::set_processor(
        manager_.get(), name_, [shared = std::move(shared), run = std::move(run)](attempt job) {
          if (!run) return (*shared)(job);
          run([shared, job = std::make_shared<attempt>(std::move(job))] { (*shared)(*job); });
        });
  }

 private:
  static void need(bool there, const char* what) {
    if (!there) throw_error(LLMQ_ERR_INVALID_ARG, what);
  }
  template <class Make>
  static void answer(attempt& job, Make make) noexcept {
    const auto fail = [&job](status code, const char* what) noexcept {
      try {
        job.fail(code < 0 ? code : LLMQ_ERR_PROCESSING, what);
      } catch (...) {  // it ends as abandoned
      }
    };
    try {
      job.succeed(make());
    } catch (const error& e) {
      fail(e.code(), e.message().c_str());
    } catch (const std::exception& e) {
      fail(LLMQ_ERR_PROCESSING, e.what());
    } catch (...) {
      fail(LLMQ_ERR_PROCESSING, "the processor threw what is no std::exception");
    }
  }
  std::shared_ptr<llmq_manager_t> manager_;
  std::string name_;
  codec<Params> params_;
  codec<Result> result_;
};

}  // namespace llmq

#endif  // LLMQ_CPP_MODEL_HPP_
