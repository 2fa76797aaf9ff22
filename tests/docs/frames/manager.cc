#include <llmq/llmq.hpp>

#include <chrono>
#include <future>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

// A manager with one model, answered inside the library, and a request for it.
int main() {
  using namespace std::chrono_literals;
  llmq::conf conf;
  conf.set("model.gpt-4o-mini.provider", "mock").set("model.gpt-4o-mini.rpm", "500");
  llmq::manager manager(conf);
  llmq::request request{
      "gpt-4o-mini",
      R"({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Name a river."}], "max_tokens": 8})"};
  /* @SNIPPET@ */
  return manager.stats().failed == 0 ? 0 : 1;
}
