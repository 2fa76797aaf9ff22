// llmq/cpp/response.hpp - the outcome of a request. Include llmq/llmq.hpp.
#ifndef LLMQ_CPP_RESPONSE_HPP_
#define LLMQ_CPP_RESPONSE_HPP_

#include <llmq/cpp/handle.hpp>
#include <llmq/cpp/request.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace llmq {

// The one outcome of a request. An empty one (moved from, or no memory for it) has status
// LLMQ_ERR_NOMEM.
class response {
 public:
  response() = default;
  explicit response(llmq_response_t* taken) noexcept : handle_(taken) {}

  llmq::status status() const noexcept {
    return handle_ == nullptr ? LLMQ_ERR_NOMEM : llmq_response_status(handle_.get());
  }
  bool ok() const noexcept { return status() == LLMQ_OK; }
  llmq::state state() const noexcept {
    return handle_ == nullptr ? llmq::state::failed
                              : static_cast<llmq::state>(llmq_response_state(handle_.get()));
  }
  // Throws what the request failed with.
  void check() const {
    if (!ok()) throw_error(status(), std::string(error_message()));
  }
  // The answer; throws if the request failed.
  std::string_view text() const& {
    check();
    return data();
  }
  std::string text() && {
    check();
    return std::string(data());
  }
  // The payload as it is, with a failure the body that the provider sent.
  std::string_view data() const noexcept {
    return view([](auto* r, size_t* n) { return llmq_response_data(r, n); });
  }
  std::string_view error_message() const noexcept { return view(llmq_response_error); }
  std::string_view provider_request_id() const noexcept {
    return view(llmq_response_provider_request_id);
  }
  // That it went to in the end; "" if it stayed with the one that was asked for.
  std::string_view fallback_model() const noexcept { return view(llmq_response_fallback_model); }
  // That ran the last attempt; "" if none did, or it has no name.
  std::string_view deployment() const noexcept { return view(llmq_response_deployment); }
  std::string_view metadata() const noexcept { return view(llmq_response_metadata); }
  std::string_view request_key() const noexcept { return view(llmq_response_request_key); }
  // Of the last attempt, if known.
  std::optional<llmq::usage> usage() const noexcept {
    llmq_usage_t from = llmq::usage{}.raw();
    if (llmq_response_usage(handle_.get(), &from) != LLMQ_OK) return std::nullopt;
    return llmq::usage{from.input_tokens, from.output_tokens, from.cached_input_tokens,
                       from.cost_micros, from.reasoning_tokens};
  }
  llmq::timings timings() const noexcept {
    int64_t submitted = 0;
    int64_t started = 0;
    int64_t finished = 0;
    llmq_response_timings(handle_.get(), &submitted, &started, &finished);
    const auto point = [](int64_t ns) { return clock::time_point(clock::duration(ns)); };
    llmq::timings times{point(submitted), std::nullopt, point(finished)};
    if (started != 0) times.started = point(started);
    return times;
  }
  // From the start of the last attempt, where the response was streamed; 0 if nothing came.
  std::chrono::nanoseconds first_output() const noexcept {
    return std::chrono::nanoseconds(llmq_response_first_output_ns(handle_.get()));
  }
  // LLMQ_EVENT_SHARED, LLMQ_EVENT_CACHED: the usage is not this request's alone.
  uint32_t flags() const noexcept { return llmq_response_flags(handle_.get()); }
  uint32_t attempts() const noexcept { return llmq_response_attempts(handle_.get()); }
  // Each of them, where one has failed; else "[]".
  std::string attempts_json() const {
    char* json = nullptr;
    detail::check(llmq_response_attempts_json(handle_.get(), &json, nullptr));
    return detail::take(json);
  }
  request_id id() const noexcept { return llmq_response_request_id(handle_.get()); }
  int32_t http_status() const noexcept { return llmq_response_http_status(handle_.get()); }

 private:
  template <class Get>
  std::string_view view(Get get) const noexcept {
    if (handle_ == nullptr) return {};
    size_t len = 0;
    const auto* bytes = static_cast<const char*>(get(handle_.get(), &len));
    return {bytes, len};
  }
  detail::owned<llmq_response_t> handle_;
};

}  // namespace llmq

#endif  // LLMQ_CPP_RESPONSE_HPP_
