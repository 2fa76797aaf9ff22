// The shortest program: settings, a manager, answers as futures.
#include <llmq/llmq.hpp>

#include <future>
#include <iostream>
#include <string>
#include <vector>

int main() {
  llmq::conf conf;
  conf.set("model.gpt-4o-mini.provider", "mock")  // or openai: OPENAI_API_KEY
      .set("model.gpt-4o-mini.rpm", "500")
      .set("model.gpt-4o-mini.concurrency", "8");
  llmq::manager manager(conf);

  std::vector<std::future<llmq::response>> answers;
  for (const char* what : {"river", "lake", "sea"}) {
    answers.push_back(manager.submit(
        {"gpt-4o-mini",
         R"({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Name a )" +
             std::string(what) + R"(."}]})"}));
  }
  for (auto& answer : answers) std::cout << answer.get().text() << '\n';
}
