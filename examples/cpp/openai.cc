// OpenAI over HTTP. The key is in OPENAI_API_KEY; with LLMQ_MOCK, the address of `llmq mock`, that
// is asked instead and no key is needed. No limits are set: they are learnt from the answers.
#include <llmq/llmq.hpp>

#include <cstdlib>
#include <iostream>

int main() {
  llmq::conf conf;
  conf.set("model.gpt-4o-mini.provider", "openai");
  if (const char* mock = std::getenv("LLMQ_MOCK")) conf.set("model.gpt-4o-mini.base_url", mock);
  llmq::manager manager(conf);

  const llmq::response answer =
      manager.submit_wait({"gpt-4o-mini", R"({"model": "gpt-4o-mini", "max_tokens": 20,
                          "messages": [{"role": "user", "content": "Name a river."}]})"});
  std::cout << answer.text() << "\nHTTP " << answer.http_status();
  if (const auto usage = answer.usage()) {
    std::cout << ", " << usage->input_tokens << " + " << usage->output_tokens << " tokens";
  }
  std::cout << '\n';
}
