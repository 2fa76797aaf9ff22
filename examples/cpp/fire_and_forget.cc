// Hand over and go on. Nobody waits for an answer; a callback counts what came, and the shutdown at
// the end waits until every request has had its end.
#include <llmq/llmq.hpp>

#include <iostream>

int main() {
  int completed = 0;  // counted on the manager's thread, read after the shutdown
  llmq::conf conf;
  conf.set("model.m.provider", "mock").set("model.m.concurrency", "4");
  llmq::manager manager(conf);
  const llmq::request request{
      "m", R"({"messages": [{"role": "user", "content": "Name a lake."}], "max_tokens": 5})"};
  for (int i = 0; i < 20; ++i) {
    manager.submit(request,
                   [&completed](const llmq::response& answer) { completed += answer.ok(); });
  }
  std::cout << "all handed over\n";
  manager.shutdown_wait();
  std::cout << "completed: " << completed << '\n';
}
