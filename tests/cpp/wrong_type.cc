// Compiles as it is; with any WRONG_ macro it must not.
#include <llmq/llmq.hpp>

#include <future>
#include <string>
#include <string_view>
#include <utility>

struct Question {
  int number = 0;
};
struct Answer {
  std::string text;
};
struct Stranger {
  int number = 0;
};
struct AlmostQuestion {
  operator Question() const { return {}; }  // NOLINT: just what must not help
};

#if defined(WRONG_PARAMS)
using Asked = Stranger;
#elif defined(WRONG_CONVERTIBLE)
using Asked = AlmostQuestion;
#else
using Asked = Question;
#endif

#if defined(WRONG_RESULT)
using Received = Stranger;
#else
using Received = Answer;
#endif

#if defined(WRONG_PROCESSOR_PARAMS)
using Processed = Stranger;
#else
using Processed = Question;
#endif

#if defined(WRONG_PROCESSOR_RESULT)
using Produced = Stranger;
#else
using Produced = Answer;
#endif

#if defined(WRONG_ENCODE)
using Encoded = Stranger;
#else
using Encoded = Question;
#endif

#if defined(WRONG_DECODE)
using Decoded = Stranger;
#else
using Decoded = Answer;
#endif

using Model = llmq::model<Question, Answer>;

void use(llmq::manager& manager) {
  Model model(
      manager, "m", [](const Encoded&) { return std::string(); },
      [](std::string_view) { return Decoded(); });
  std::future<Received> future = model.submit(Asked());
  model.set_processor([](const Processed&) { return Produced(); });
#if defined(WRONG_COPIED)
  llmq::manager copy(manager);
#else
  llmq::manager moved(std::move(manager));
#endif
}
