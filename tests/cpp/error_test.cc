#include <gtest/gtest.h>
#include <llmq/llmq.hpp>

#include <exception>
#include <stdexcept>
#include <type_traits>

namespace {

static_assert(std::is_nothrow_copy_constructible_v<llmq::error>);
static_assert(std::is_base_of_v<std::runtime_error, llmq::error>);

// The most derived class of what a code is thrown as.
template <class Expected>
void expect_class(llmq::status code) {
  try {
    llmq::throw_error(code);
  } catch (const llmq::error& e) {
    EXPECT_EQ(typeid(e), typeid(Expected)) << llmq_status_name(code);
    EXPECT_EQ(e.code(), code);
    EXPECT_EQ(e.message(), llmq_status_message(code));
    EXPECT_EQ(e.key(), "");
  }
}

TEST(Error, EveryCodeHasItsClass) {
  for (const llmq::status code :
       {LLMQ_ERR_INVALID_ARG, LLMQ_ERR_UNKNOWN_MODEL, LLMQ_ERR_MODEL_EXISTS, LLMQ_ERR_UNKNOWN_KEY,
        LLMQ_ERR_INVALID_VALUE, LLMQ_ERR_OVERSIZE, LLMQ_ERR_WRONG_THREAD, LLMQ_ERR_UNSUPPORTED}) {
    expect_class<llmq::invalid_argument_error>(code);
  }
  for (const llmq::status code : {LLMQ_ERR_TIMEOUT, LLMQ_ERR_DEADLINE}) {
    expect_class<llmq::timeout_error>(code);
  }
  expect_class<llmq::cancelled_error>(LLMQ_ERR_CANCELLED);
  for (const llmq::status code : {LLMQ_ERR_CLOSED, LLMQ_ERR_CLOSING, LLMQ_ERR_FORKED}) {
    expect_class<llmq::closed_error>(code);
  }
  expect_class<llmq::queue_full_error>(LLMQ_ERR_QUEUE_FULL);
  for (const llmq::status code : {LLMQ_ERR_RATE_LIMITED, LLMQ_ERR_OVERLOADED}) {
    expect_class<llmq::rate_limited_error>(code);
  }
  for (const llmq::status code : {LLMQ_ERR_AUTH, LLMQ_ERR_QUOTA_EXHAUSTED, LLMQ_ERR_BUDGET}) {
    expect_class<llmq::access_error>(code);
  }
  for (const llmq::status code :
       {LLMQ_ERR_BAD_REQUEST, LLMQ_ERR_CONTEXT_TOO_LONG, LLMQ_ERR_CONTENT_FILTER}) {
    expect_class<llmq::rejected_error>(code);
  }
  for (const llmq::status code :
       {LLMQ_ERR_NOMEM, LLMQ_ERR_AGAIN, LLMQ_ERR_STALE, LLMQ_ERR_ALREADY_DONE, LLMQ_ERR_SERVER,
        LLMQ_ERR_TRANSPORT, LLMQ_ERR_PROCESSING, LLMQ_ERR_ABANDONED, LLMQ_ERR_INTERNAL,
        LLMQ_ERR_UNKNOWN}) {
    expect_class<llmq::error>(code);
  }
  expect_class<llmq::error>(-1000);  // of a newer library
}

TEST(Error, CarriesWordsAndKey) {
  try {
    llmq::throw_error(LLMQ_ERR_INVALID_VALUE, "too small", "max_pending");
  } catch (const llmq::error& e) {
    const llmq::error copy = e;
    EXPECT_EQ(copy.message(), "too small");
    EXPECT_STREQ(copy.what(), "too small [LLMQ_ERR_INVALID_VALUE]");
    EXPECT_EQ(copy.key(), "max_pending");
  }
}

}  // namespace
