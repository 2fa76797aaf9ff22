#include <iostream>
#include <llmq/llmq.hpp>

int main() {
  llmq::conf conf;
  conf.set("model.m.provider", "mock");
  llmq::manager manager(conf);
  std::cout << "llmq " << llmq_version_string() << ": " << manager.submit({"m", "{}"}).get().text()
            << '\n';
}
