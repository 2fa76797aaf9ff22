// What may go wrong, and how it looks: a setting, a name, a size, a provider that fails, a
// deadline. Each code has a paragraph in docs/troubleshooting.md.
#include <llmq/llmq.hpp>

#include <chrono>
#include <iostream>
#include <string>

namespace {

// Runs what throws, and prints it.
template <class F>
void show(const char* what, F act) {
  try {
    act();
  } catch (const llmq::error& e) {
    std::cout << what << ": " << e.name() << ": " << e.message() << '\n';
  }
}

}  // namespace

int main() {
  using namespace std::chrono_literals;
  const std::string body =
      R"({"messages": [{"role": "user", "content": "Name a lake."}], "max_tokens": 5})";
  llmq::conf conf;
  show("setting", [&conf] { conf.set("model.small.rpm", "many"); });
  conf.set_json(R"({"models": [
      {"name": "small", "provider": "mock", "tpm": 1000},
      {"name": "failing", "provider": "mock", "mock": {"latency_ms": 0, "fail_server": 1},
       "retry": {"max_attempts": 3, "base_ms": 1, "cap_ms": 1}},
      {"name": "silent", "provider": "mock", "mock": {"fail_hang": 1}}]})");
  llmq::manager manager(conf);

  show("name", [&] { manager.submit({"nobody", body}); });
  show("size", [&manager] {
    manager.submit(
        {"small",
         R"({"messages": [{"role": "user", "content": "A book."}], "max_tokens": 10000})"});
  });
  show("provider", [&] {
    const llmq::response answer = manager.submit_wait({"failing", body});
    std::cout << "attempts: " << answer.attempts() << ' ' << answer.attempts_json() << '\n';
    answer.check();  // throws what it failed with
  });
  show("time", [&] {
    llmq::request request{"silent", body};
    request.deadline = llmq::clock::now() + 100ms;
    manager.submit_wait(request).check();
  });
}
