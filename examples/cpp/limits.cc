// Concurrency bounds how many calls run at a time, a limit per period how many start in it, and
// several hold together. Each call lasts 100 ms here.
#include <llmq/llmq.hpp>

#include <chrono>
#include <future>
#include <iostream>
#include <string>
#include <vector>

namespace {

void run(llmq::manager& manager, const std::string& model) {
  const auto begin = std::chrono::steady_clock::now();
  const llmq::request request{
      model, R"({"messages": [{"role": "user", "content": "Name a lake."}], "max_tokens": 5})"};
  std::vector<std::future<llmq::response>> answers;
  for (int i = 0; i < 10; ++i) answers.push_back(manager.submit(request));
  for (auto& answer : answers) answer.get().check();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::cout << model << ": 10 calls in " << took.count() << " s\n";
}

}  // namespace

int main() {
  llmq::conf conf;
  conf.set_json(R"({"models": [
      {"name": "*", "provider": "mock", "mock": {"latency_ms": 100}},
      {"name": "two at a time", "limits": [{"concurrency": 2}]},
      {"name": "five per second", "limits": [{"requests": 5, "per": "1s"}]},
      {"name": "both, and tokens", "limits": [{"concurrency": 2}, {"requests": 5, "per": "1s"},
                                              {"tokens": 100000, "per": "1m"}]}]})");
  llmq::manager manager(conf);
  for (const char* model : {"two at a time", "five per second", "both, and tokens"}) {
    run(manager, model);
  }
}
