// Anthropic's messages, streamed: each piece is printed when it comes. The key is in
// ANTHROPIC_API_KEY; with LLMQ_MOCK, the address of `llmq mock`, no key is needed.
#include <llmq/llmq.hpp>

#include <cstdlib>
#include <future>
#include <iostream>
#include <string_view>
#include <utility>

int main() {
  llmq::conf conf;
  conf.set("model.claude-haiku-4-5.provider", "anthropic");
  conf.set("model.claude-haiku-4-5.limits",
           "requests=50/1m;input_tokens=50000/1m;output_tokens=10000/1m");
  if (const char* mock = std::getenv("LLMQ_MOCK"))
    conf.set("model.claude-haiku-4-5.base_url", mock);
  llmq::manager manager(conf);

  llmq::request request{"claude-haiku-4-5",
                        R"({"model": "claude-haiku-4-5", "max_tokens": 20, "stream": true,
                            "messages": [{"role": "user", "content": "Name a river."}]})"};
  request.operation = llmq::operation::messages;  // the provider's own form, byte for byte
  std::promise<llmq::response> ended;
  manager.submit_stream(
      request, [](std::string_view piece) { std::cout << piece << '\n'; },
      [&ended](llmq::response answer) { ended.set_value(std::move(answer)); });

  const llmq::response answer = ended.get_future().get();
  answer.check();
  std::cout << answer.data().size() << " bytes in all, "
            << (answer.first_output().count() > 0 ? "streamed" : "at once") << '\n';
}
