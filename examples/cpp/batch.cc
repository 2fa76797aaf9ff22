// Many requests at once, answered through a queue in the order in which they end. user_data tells
// which is which.
#include <llmq/llmq.hpp>

#include <cstdint>
#include <iostream>
#include <string>

int main() {
  constexpr uint64_t kRequests = 100;
  llmq::conf conf;
  conf.set("model.m.provider", "mock").set("model.m.limits", "requests=6000/1m;concurrency=32");
  llmq::manager manager(conf);
  llmq::completion_queue queue;
  for (uint64_t i = 0; i < kRequests; ++i) {
    llmq::request request{"m", R"({"messages": [{"role": "user", "content": "Name river number )" +
                                   std::to_string(i) + R"(."}], "max_tokens": 8})"};
    request.priority = llmq::priority::batch;  // lets urgent work pass
    request.user_data = i;
    manager.submit(request, queue);
  }

  llmq::batch events(32);
  uint64_t done = 0;
  uint64_t completed = 0;
  while (done < kRequests && queue.wait()) {
    queue.drain(events);
    for (const llmq_event_t& event : events) {
      if (event.type != LLMQ_EV_DONE) continue;
      ++done;
      completed += event.status == LLMQ_OK ? 1 : 0;
    }
  }
  std::cout << "completed " << completed << " of " << kRequests << '\n';
}
