// llmq/llmq.hpp - llmq for C++17: llmq.h with owners, futures, exceptions and typed models.
//
// Header-only, over the public C API alone, so a program keeps working with a newer libllmq.so.
//
//   llmq::conf conf;
//   conf.set("model.gpt-4o.provider", "openai").set("model.gpt-4o.rpm", "500");
//   llmq::manager manager(conf);
//   std::future<llmq::response> answer = manager.submit({"gpt-4o", R"({"messages":[...]})"});
//   std::cout << answer.get().text();
//
// Ownership
//   conf, manager, completion_queue, response and attempt own what they stand for; they can be
//   moved, not copied. A moved-from object answers like a NULL handle: errors, or empty values.
//   Destroying a manager aborts what is left (shutdown_wait() first lets it end) and waits for the
//   last callback; in a callback it does so in the background. Models, attempts,
//   responses and futures may outlive their manager. A std::string_view lives as long as the object
//   that gave it; those of an attempt end with its report.
// Threads
//   Any thread may call any member of a manager, model or completion_queue; of a conf, response,
//   batch or attempt one at a time. Callbacks, processors and decoders run on the manager's loop
//   thread: they must return quickly; they may submit, cancel and report; what would block throws
//   LLMQ_ERR_WRONG_THREAD there, whatever manager it is asked of. So never wait in them for a
//   future.
// Errors
//   A call that cannot do what it says throws llmq::error or a class derived from it
//   (cpp/error.hpp). What becomes of an accepted request is a response, also if it failed, was
//   cancelled or expired: status() tells, text() and check() throw for a failed one, and so does
//   the future of a typed model. No exception crosses into C: what leaves a callback or an
//   on_cancel is dropped; what leaves a processor abandons its attempt; a typed processor reports
//   it as the failure. Where memory runs out, std::bad_alloc is possible too.
#ifndef LLMQ_LLMQ_HPP_
#define LLMQ_LLMQ_HPP_

#include <llmq/cpp/attempt.hpp>
#include <llmq/cpp/completion_queue.hpp>
#include <llmq/cpp/conf.hpp>
#include <llmq/cpp/error.hpp>
#include <llmq/cpp/explain.hpp>
#include <llmq/cpp/hook.hpp>
#include <llmq/cpp/manager.hpp>
#include <llmq/cpp/model.hpp>
#include <llmq/cpp/permit.hpp>
#include <llmq/cpp/plan.hpp>
#include <llmq/cpp/request.hpp>
#include <llmq/cpp/response.hpp>
#include <llmq/cpp/worker.hpp>

#endif  // LLMQ_LLMQ_HPP_
