// A model with types of the program's own: questions in, answers out, JSON nowhere in sight.
//
// Here the program runs the model itself, on two threads, so both directions need a codec. With a
// provider (model.sums.provider = openai) there would be no processor, and the codecs would write
// the provider's JSON and read it.
#include <llmq/llmq.hpp>

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <iostream>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

struct Question {
  int left = 0;
  int right = 0;
};
struct Answer {
  int sum = 0;
};

llmq::codec<Question> question_codec() {
  return {[](const Question& q) { return std::to_string(q.left) + "+" + std::to_string(q.right); },
          [](std::string_view text) {
            const std::string whole(text);
            return Question{std::stoi(whole), std::stoi(whole.substr(whole.find('+') + 1))};
          }};
}

llmq::codec<Answer> answer_codec() {
  return {[](const Answer& a) { return std::to_string(a.sum); },
          [](std::string_view text) { return Answer{std::stoi(std::string(text))}; }};
}

// Two threads and a list of tasks.
class Workers {
 public:
  Workers() {
    for (int i = 0; i < 2; ++i) threads_.emplace_back([this] { work(); });
  }
  ~Workers() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      closed_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  void run(std::function<void()> task) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      tasks_.push_back(std::move(task));
    }
    changed_.notify_one();
  }

 private:
  void work() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return closed_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      const std::function<void()> task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  bool closed_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace

int main() {
  try {
    Workers workers;
    llmq::conf conf;
    conf.set("model.sums.limits", "requests=600/1m;concurrency=2");
    llmq::manager manager(conf);
    llmq::model<Question, Answer> sums(manager, "sums", question_codec(), answer_codec());
    sums.set_processor(
        [](const Question& q) {
          // A real one would call out here. What it throws becomes the failure of the attempt.
          if (q.right < 0) throw llmq::rejected_error(LLMQ_ERR_BAD_REQUEST, "no negative numbers");
          return Answer{q.left + q.right};
        },
        [&workers](std::function<void()> task) { workers.run(std::move(task)); });

    std::vector<std::future<Answer>> answers;
    for (int i = 1; i <= 5; ++i) answers.push_back(sums.submit(Question{i, i * 10}));
    for (std::future<Answer>& answer : answers) std::cout << answer.get().sum << '\n';

    try {
      sums.submit(Question{1, -1}).get();
    } catch (const llmq::rejected_error& e) {
      std::cout << e.name() << ": " << e.message() << '\n';
    }
    return 0;
  } catch (const llmq::error& e) {
    std::cerr << e.what() << '\n';
    return 1;
  }
}
