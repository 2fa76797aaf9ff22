// Several threads at once on one manager: nothing is lost, nothing answered twice, nothing hangs.
#include <gtest/gtest.h>
#include <llmq/llmq.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int kThreads = 4;
constexpr int kEach = 2000;
const char kModel[] = "m";

// A manager with one model whose attempts a pool of threads ends.
class Stress : public ::testing::Test {
 protected:
  void start(const char* limits = "concurrency=32", const char* provider = "none") {
    llmq_conf_t* conf = nullptr;
    ASSERT_EQ(llmq_conf_create(&conf), LLMQ_OK);
    ASSERT_EQ(llmq_conf_set(conf, "model.m.limits", limits, nullptr), LLMQ_OK);
    ASSERT_EQ(llmq_conf_set(conf, "model.m.provider", provider, nullptr), LLMQ_OK);
    ASSERT_EQ(llmq_conf_set(conf, "model.m.retry.base_ms", "1", nullptr), LLMQ_OK);
    ASSERT_EQ(llmq_conf_set(conf, "model.m.retry.cap_ms", "3", nullptr), LLMQ_OK);
    ASSERT_EQ(llmq_conf_set(conf, "model.m.mock.latency_ms", "0..1", nullptr), LLMQ_OK);
    ASSERT_EQ(llmq_manager_create(conf, &manager_, nullptr), LLMQ_OK);
    llmq_conf_free(conf);
  }
  void TearDown() override {
    if (manager_ != nullptr) {
      EXPECT_EQ(llmq_manager_destroy(manager_), LLMQ_OK);
    }
    stop_pool();
  }

  void start_pool() {
    for (int i = 0; i < 2; ++i) pool_.emplace_back([this] { work(); });
    ASSERT_EQ(llmq_model_set_processor(manager_, kModel, 1, &Stress::ready, &Stress::cancelled,
                                       this, nullptr),
              LLMQ_OK);
  }
  void stop_pool() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : pool_) thread.join();
    pool_.clear();
  }

  static llmq_request_t request() {
    llmq_request_t r{};
    r.struct_size = sizeof r;
    r.operation = LLMQ_OP_CUSTOM;
    r.model = kModel;
    r.model_len = 1;
    r.payload = "payload";
    r.payload_len = 7;
    return r;
  }

  static void in_threads(const std::function<void(int)>& run) {
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) threads.emplace_back(run, t);
    for (std::thread& thread : threads) thread.join();
  }

  // Drains until `expected` terminal events have come; each user_data once.
  static void drain_all(llmq_cq_t* cq, size_t expected, std::vector<int>& seen) {
    std::array<llmq_event_t, 64> events{};
    events[0].stride = sizeof(llmq_event_t);
    for (size_t done = 0; done < expected;) {
      ASSERT_EQ(llmq_cq_wait(cq, -1), LLMQ_OK);
      const size_t n = llmq_cq_drain(cq, events.data(), events.size());
      for (size_t i = 0; i < n; ++i) {
        if (events[i].type != LLMQ_EV_DONE) continue;
        ++seen[events[i].user_data];
        ++done;
      }
      llmq_events_release(events.data(), sizeof(llmq_event_t), n);
    }
  }

  llmq_manager_t* manager_ = nullptr;
  std::atomic<int> reported_{0};

 private:
  static void ready(void* user, const llmq_event_t* event) {
    auto* self = static_cast<Stress*>(user);
    {
      const std::lock_guard<std::mutex> lock(self->mutex_);
      self->ready_.push_back(event->attempt_id);
    }
    self->changed_.notify_one();
  }
  static void cancelled(void*, const llmq_event_t*) {}

  void work() {
    for (int i = 0;; ++i) {
      llmq_attempt_id_t attempt = 0;
      {
        std::unique_lock<std::mutex> lock(mutex_);
        changed_.wait(lock, [this] { return stopping_ || !ready_.empty(); });
        if (ready_.empty()) return;
        attempt = ready_.front();
        ready_.pop_front();
      }
      if (i % 7 == 0) {
        llmq_attempt_fail(manager_, attempt, LLMQ_ERR_SERVER, "again", 5, 0);
      } else {
        llmq_attempt_succeed(manager_, attempt, "answer", 6, nullptr);
      }
      ++reported_;
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<llmq_attempt_id_t> ready_;
  bool stopping_ = false;
  std::vector<std::thread> pool_;
};

TEST_F(Stress, SubmitsCancelsAndReportsMeet) {
  start();
  start_pool();
  llmq_cq_t* cq = nullptr;
  ASSERT_EQ(llmq_cq_create(&cq), LLMQ_OK);
  std::vector<int> seen(size_t{kThreads} * kEach, 0);
  std::thread drainer([&] { drain_all(cq, seen.size(), seen); });
  in_threads([&](int t) {
    for (int i = 0; i < kEach; ++i) {
      llmq_request_t r = request();
      r.cq = cq;
      r.user_data = static_cast<uint64_t>(t) * kEach + static_cast<uint64_t>(i);
      llmq_request_id_t id = 0;
      ASSERT_EQ(llmq_submit(manager_, &r, &id), LLMQ_OK);
      if (i % 3 == 0) llmq_cancel(manager_, id);
      int32_t state = 0;
      llmq_request_state(manager_, id, &state);
      llmq_stats_t stats{};
      stats.struct_size = sizeof stats;
      if (i % 50 == 0) llmq_stats(manager_, kModel, 1, &stats);
    }
  });
  drainer.join();
  for (const int count : seen) ASSERT_EQ(count, 1);
  llmq_cq_unref(cq);
}

TEST_F(Stress, AQueueServesSeveralDrainers) {
  start("concurrency=64", "mock");
  llmq_cq_t* cq = nullptr;
  ASSERT_EQ(llmq_cq_create(&cq), LLMQ_OK);
  std::atomic<int> done{0};
  std::vector<std::thread> drainers;
  for (int i = 0; i < 3; ++i) {
    drainers.emplace_back([&] {
      std::array<llmq_event_t, 16> events{};
      events[0].stride = sizeof(llmq_event_t);
      while (done.load() < kThreads * 200) {
        if (llmq_cq_wait(cq, -1) == LLMQ_ERR_AGAIN) continue;
        const size_t n = llmq_cq_drain(cq, events.data(), events.size());
        llmq_events_release(events.data(), sizeof(llmq_event_t), n);
        if (done.fetch_add(static_cast<int>(n)) + static_cast<int>(n) >= kThreads * 200) {
          for (int k = 0; k < 3; ++k) llmq_cq_wake(cq);
        }
      }
      llmq_cq_wake(cq);
    });
  }
  in_threads([&](int) {
    for (int i = 0; i < 200; ++i) {
      llmq_request_t r = request();
      r.cq = cq;
      ASSERT_EQ(llmq_submit(manager_, &r, nullptr), LLMQ_OK);
    }
  });
  for (std::thread& thread : drainers) thread.join();
  EXPECT_EQ(done.load(), kThreads * 200);
  llmq_cq_unref(cq);
}

// Every accepted request is answered although the manager is shut down at some moment between.
TEST_F(Stress, ShutdownMeetsSubmits) {
  for (const int32_t mode : {LLMQ_SHUTDOWN_DRAIN, LLMQ_SHUTDOWN_CANCEL, LLMQ_SHUTDOWN_ABORT}) {
    start("concurrency=8", "mock");
    std::atomic<int> accepted{0};
    std::atomic<int> answered{0};
    std::thread closer([&] {
      while (accepted.load() < 300) std::this_thread::yield();
      EXPECT_EQ(llmq_manager_shutdown(manager_, mode, 0, nullptr, 0), LLMQ_OK);
    });
    in_threads([&](int) {
      for (int i = 0; i < kEach; ++i) {
        llmq_request_t r = request();
        r.done_fn = [](void* user, const llmq_event_t*) {
          ++*static_cast<std::atomic<int>*>(user);
        };
        r.done_user = &answered;
        const llmq_status_t status = llmq_submit(manager_, &r, nullptr);
        if (status != LLMQ_OK) {
          ASSERT_TRUE(status == LLMQ_ERR_CLOSING || status == LLMQ_ERR_CLOSED) << status;
          break;
        }
        ++accepted;
      }
    });
    closer.join();
    ASSERT_EQ(llmq_manager_destroy(manager_), LLMQ_OK);
    manager_ = nullptr;
    EXPECT_EQ(answered.load(), accepted.load());
  }
}

TEST_F(Stress, CallbacksSubmitAndCancel) {
  start("concurrency=16", "mock");
  struct Chain {
    llmq_manager_t* manager;
    std::atomic<int> left{500};
    std::atomic<int> done{0};
  } chain{manager_, {500}, {0}};
  struct Callback {
    static void done(void* user, const llmq_event_t*) {
      auto* c = static_cast<Chain*>(user);
      if (c->left.fetch_sub(1) > 0) {
        llmq_request_t r = request();
        r.done_fn = &Callback::done;
        r.done_user = c;
        llmq_request_id_t id = 0;
        EXPECT_EQ(llmq_submit(c->manager, &r, &id), LLMQ_OK);
        if (c->left.load() % 5 == 0) llmq_cancel(c->manager, id);
        EXPECT_EQ(llmq_manager_destroy(c->manager), LLMQ_ERR_WRONG_THREAD);
      }
      ++c->done;
    }
  };
  for (int i = 0; i < 10; ++i) {
    llmq_request_t r = request();
    r.done_fn = &Callback::done;
    r.done_user = &chain;
    ASSERT_EQ(llmq_submit(manager_, &r, nullptr), LLMQ_OK);
  }
  while (chain.done.load() < 510) std::this_thread::yield();
}

TEST_F(Stress, ModelsComeAndGoWhileRequestsAreSubmitted) {
  start("concurrency=8", "mock");
  std::atomic<bool> stop{false};
  std::atomic<int> accepted{0};
  std::atomic<int> answered{0};
  std::thread changer([&] {
    for (int i = 0; i < 60; ++i) {
      llmq_conf_t* conf = nullptr;
      llmq_conf_create(&conf);
      llmq_conf_set(conf, "model.m.provider", "mock", nullptr);
      llmq_conf_set(conf, "model.m.mock.latency_ms", "0..1", nullptr);
      llmq_manager_remove_model(manager_, kModel, 1, i % 3);
      EXPECT_EQ(llmq_manager_register_models(manager_, conf, LLMQ_REGISTER_SKIP_EXISTING, nullptr),
                LLMQ_OK);
      llmq_conf_free(conf);
      char* json = nullptr;
      EXPECT_EQ(llmq_manager_info_json(manager_, nullptr, 0, &json, nullptr), LLMQ_OK);
      llmq_buf_free(json);
    }
    stop = true;
  });
  in_threads([&](int) {
    while (!stop.load()) {
      llmq_request_t r = request();
      r.done_fn = [](void* user, const llmq_event_t*) { ++*static_cast<std::atomic<int>*>(user); };
      r.done_user = &answered;
      const llmq_status_t status = llmq_submit(manager_, &r, nullptr);
      if (status == LLMQ_OK) ++accepted;
      while (accepted.load() - answered.load() > 1000) std::this_thread::yield();
    }
  });
  changer.join();
  ASSERT_EQ(llmq_manager_destroy(manager_), LLMQ_OK);
  manager_ = nullptr;
  EXPECT_EQ(answered.load(), accepted.load());
  EXPECT_GT(answered.load(), 0);
}

TEST_F(Stress, KeptResponsesAreTakenOnce) {
  start("concurrency=32", "mock");
  std::atomic<int> taken{0};
  in_threads([&](int thread) {
    if (thread % 2 != 0) {  // others, who keep nothing, use the same records in between
      for (int i = 0; i < 400; ++i) {
        llmq_request_t r = request();
        llmq_response_t* response = nullptr;
        ASSERT_EQ(llmq_submit_wait(manager_, &r, -1, &response), LLMQ_OK);
        llmq_response_free(response);
      }
      return;
    }
    std::vector<llmq_request_id_t> ids(200);
    for (llmq_request_id_t& id : ids) {
      llmq_request_t r = request();
      r.flags = LLMQ_REQUEST_KEEP;
      ASSERT_EQ(llmq_submit(manager_, &r, &id), LLMQ_OK);
    }
    for (const llmq_request_id_t id : ids) {
      llmq_response_t* response = nullptr;
      while (llmq_response_get(manager_, id, &response) == LLMQ_ERR_AGAIN)
        std::this_thread::yield();
      ASSERT_NE(response, nullptr);
      llmq_response_free(response);
      ASSERT_EQ(llmq_response_get(manager_, id, &response), LLMQ_ERR_STALE);
      ++taken;
    }
  });
  EXPECT_EQ(taken.load(), (kThreads + 1) / 2 * 200);
}

TEST(StressManagers, SharedAndOwnManagersComeAndGo) {
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 25; ++i) {
        llmq_manager_t* shared = nullptr;
        ASSERT_EQ(llmq_manager_shared(nullptr, &shared, nullptr), LLMQ_OK);
        llmq_manager_t* own = nullptr;
        ASSERT_EQ(llmq_manager_create(nullptr, &own, nullptr), LLMQ_OK);
        llmq_manager_unref(shared);
        if (i % 2 == 0) {
          llmq_manager_destroy(own);
        } else {
          llmq_manager_unref(own);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
