// Tenants, priorities, requests that share a call, a hook that watches, a limit that is changed
// while calls run, a permit for a call of the program's own.
#include <llmq/llmq.hpp>

#include <atomic>
#include <future>
#include <iostream>
#include <string>
#include <vector>

namespace {

llmq::request question(const std::string& tenant, llmq::priority priority,
                       const std::string& dedup_key = {}) {
  llmq::request request{
      "m", R"({"messages": [{"role": "user", "content": "Name a sea."}], "max_tokens": 5})"};
  request.tenant = tenant;
  request.priority = priority;
  request.dedup_key = dedup_key;
  return request;
}

}  // namespace

int main() {
  std::atomic<int> calls{0};
  llmq::conf conf;
  conf.set_json(R"({"tenants": [{"name": "live", "weight": 4}, {"name": "nightly", "weight": 1}],
                    "models": [{"name": "m", "provider": "mock", "limits": [{"concurrency": 4}]}]})");
  llmq::manager manager(conf);
  manager.set_hook(LLMQ_HOOK_ATTEMPT_STARTED, [&calls](const llmq_hook_t&) { ++calls; });

  std::vector<std::future<llmq::response>> answers;
  answers.push_back(manager.submit(question("nightly", llmq::priority::batch)));
  answers.push_back(manager.submit(question("live", llmq::priority::urgent)));
  answers.push_back(manager.submit(question("live", llmq::priority::normal, "a sea")));
  answers.push_back(manager.submit(question("live", llmq::priority::normal, "a sea")));  // one call
  manager.set("model.m.limit", "concurrency=8");

  int shared = 0;
  for (auto& future : answers) {
    const llmq::response answer = future.get();
    answer.check();
    if ((answer.flags() & LLMQ_EVENT_SHARED) != 0) ++shared;
  }
  std::cout << answers.size() << " requests answered by " << calls << " calls, " << shared
            << " shared one\n";

  llmq::permit permit = manager.acquire(question("live", llmq::priority::normal)).get();
  std::cout << "permit for a call of the program's own: "
            << (permit.release(llmq::usage{12, 3, 0, 0, 0}) ? "used" : "lost") << '\n';
  std::cout << manager.stats_json() << '\n';  // docs/STATISTICS.md
}
