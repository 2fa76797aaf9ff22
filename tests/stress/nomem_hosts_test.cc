// Memory runs out on the calling thread, at every allocation in turn: each call gives
// LLMQ_ERR_NOMEM or does what it says, leaks nothing and leaves everything usable. Here: what a
// host asks for beside requests: shared managers, its own loop, hooks as events, keys, outcomes.
#include "stress/nomem.h"

namespace llmq::test {
namespace {

TEST(NoMem, InListsOfKeys) {
  at_each_allocation("llmq_conf_key_at", [](Failure failure) {
    return with(failure, [] {
      const char* key = nullptr;
      size_t keys = 0;
      llmq_status_t status = LLMQ_OK;
      while (status == LLMQ_OK) {
        status = llmq_conf_key_at(keys++, &key, nullptr, nullptr, nullptr);
      }
      return status == LLMQ_ERR_INVALID_ARG && keys > 50 ? LLMQ_OK : status;  // past the last
    });
  });
}

TEST(NoMem, KeyFunctionsAreFreedOnce) {
  llmq_conf_t* const conf = conf_of(kDocument);
  Owner owner;
  int calls = 0;
  const auto freed_once = [&](const char* name, const std::function<llmq_status_t()>& set) {
    at_each_allocation(name, [&](Failure failure) {
      ++calls;
      const auto status = with(failure, set);
      EXPECT_EQ(owner.frees, status == LLMQ_OK ? calls - 1 : calls);
      EXPECT_EQ(llmq_conf_set_api_key_fn(conf, nullptr, nullptr, nullptr), LLMQ_OK);
      EXPECT_EQ(owner.frees, calls);
      return status;
    });
  };
  freed_once("llmq_conf_set_api_key_fn", [&] {
    const auto no_key = [](void*, const char*, size_t, char*, size_t) { return int64_t{0}; };
    return llmq_conf_set_api_key_fn(conf, no_key, &owner.frees, count_call);
  });
  freed_once("llmq_conf_set_deployment_key_fn", [&] {
    const auto no_key = [](void*, const char*, size_t, const char*, size_t, char*, size_t) {
      return int64_t{0};
    };
    return llmq_conf_set_deployment_key_fn(conf, no_key, &owner.frees, count_call);
  });
  llmq_conf_free(conf);
}

TEST(NoMem, WhenAManagerIsShared) {
  llmq_conf_t* const conf = conf_of(kDocument);
  llmq_conf_t* const other = conf_of(R"({"models": [{"name": "other"}]})");
  at_each_allocation("llmq_manager_shared", [&](Failure failure) {
    failure.only_new = true;  // as when a manager is made
    llmq_manager_t* manager = nullptr;
    const auto status = with(failure, [&] { return llmq_manager_shared(conf, &manager, nullptr); });
    EXPECT_EQ(manager != nullptr, status == LLMQ_OK);
    if (manager == nullptr) {
      EXPECT_EQ(llmq_manager_shared(conf, &manager, nullptr), LLMQ_OK);
    }
    EXPECT_EQ(models_of(manager), R"(["m","mock"])");
    llmq_manager_unref(manager);
    return status;
  });
  llmq_manager_t* first = nullptr;
  ASSERT_EQ(llmq_manager_shared(conf, &first, nullptr), LLMQ_OK);
  at_each_allocation("llmq_manager_shared of one that is there", [&](Failure failure) {
    llmq_manager_t* again = nullptr;
    const auto status = with(failure, [&] { return llmq_manager_shared(conf, &again, nullptr); });
    EXPECT_EQ(again, status == LLMQ_OK ? first : nullptr);
    llmq_manager_unref(again);
    return status;
  });
  at_each_allocation(
      "llmq_manager_shared with another configuration",
      [&](Failure failure) {
        llmq_manager_t* again = nullptr;
        llmq_error_t* err = nullptr;
        const auto status = with(failure, [&] { return llmq_manager_shared(other, &again, &err); });
        EXPECT_EQ(again, nullptr);
        llmq_error_free(err);
        return status;
      },
      LLMQ_ERR_INVALID_VALUE);
  EXPECT_EQ(models_of(first), R"(["m","mock"])");
  llmq_manager_unref(first);
  llmq_conf_free(other);
  llmq_conf_free(conf);
}

// A manager that the calling thread runs.
class HostsLoop {
 public:
  HostsLoop() {
    llmq_conf_t* const conf = conf_of(
        R"({"loop": "external", "models": [{"name": "mock", "provider": "mock",
            "mock": {"latency_ms": 0, "tokens_per_s": 0}}]})");
    EXPECT_EQ(llmq_manager_create(conf, &manager_, nullptr), LLMQ_OK);
    llmq_conf_free(conf);
    EXPECT_EQ(llmq_cq_create(&cq_), LLMQ_OK);
    EXPECT_EQ(llmq_manager_process(manager_), LLMQ_OK);
  }
  ~HostsLoop() {
    EXPECT_EQ(llmq_manager_destroy(manager_), LLMQ_OK);
    llmq_cq_unref(cq_);
  }
  HostsLoop(const HostsLoop&) = delete;
  HostsLoop& operator=(const HostsLoop&) = delete;

  llmq_manager_t* manager() const { return manager_; }

  void submit() {
    llmq_request_t r{};
    r.struct_size = sizeof r;
    r.model = "mock";
    r.model_len = 4;
    r.payload = R"({"messages":[{"role":"user","content":"hello"}]})";
    r.payload_len = std::strlen(static_cast<const char*>(r.payload));
    r.cq = cq_;
    EXPECT_EQ(llmq_submit(manager_, &r, nullptr), LLMQ_OK);
    ++submitted_;
  }
  // Processes until all have ended, each once. What was not well.
  llmq_status_t run() {
    llmq_status_t worst = LLMQ_OK;
    int ended = 0;
    const int64_t until = llmq_now_ns() + kPatience;
    while (ended < submitted_ && llmq_now_ns() < until) {
      int64_t timeout = 0;
      int32_t fd = -1;
      EXPECT_EQ(llmq_manager_timeout_ns(manager_, &timeout), LLMQ_OK);
      const auto status = llmq_manager_process(manager_);
      EXPECT_TRUE(status == LLMQ_OK || status == LLMQ_ERR_CLOSED) << llmq_status_name(status);
      if (status == LLMQ_OK) {
        EXPECT_EQ(llmq_manager_fd(manager_, &fd), LLMQ_OK);
      }
      llmq_event_t event{};
      event.stride = sizeof event;
      while (llmq_cq_drain(cq_, &event, 1) == 1) {
        EXPECT_EQ(event.type, LLMQ_EV_DONE);
        ++ended;
        if (event.status != LLMQ_OK) worst = event.status;
        llmq_events_release(&event, sizeof event, 1);
      }
    }
    EXPECT_EQ(ended, submitted_);
    submitted_ = 0;
    return worst;
  }

 private:
  llmq_manager_t* manager_ = nullptr;
  llmq_cq_t* cq_ = nullptr;
  int submitted_ = 0;
};

TEST(NoMem, InTheHostsLoop) {
  at_each_allocation("llmq_manager_process", [](Failure failure) {
    HostsLoop host;
    for (int i = 0; i < 3; ++i) host.submit();
    return with(failure, [&] { return host.run(); });
  });
  at_each_allocation("llmq_manager_fd and llmq_manager_timeout_ns", [](Failure failure) {
    const HostsLoop host;
    return with(failure, [&] {
      int64_t timeout = 0;
      int32_t fd = -1;
      EXPECT_EQ(llmq_manager_fd(host.manager(), &fd), LLMQ_OK);
      return llmq_manager_timeout_ns(host.manager(), &timeout);
    });
  });
  at_each_allocation("llmq_manager_create for a host's loop", [](Failure failure) {
    failure.only_new = true;  // as with a thread of its own
    llmq_conf_t* const conf = conf_of(R"({"loop": "external", "models": [{"name": "m"}]})");
    llmq_manager_t* manager = nullptr;
    const auto status = with(failure, [&] { return llmq_manager_create(conf, &manager, nullptr); });
    EXPECT_EQ(manager != nullptr, status == LLMQ_OK);
    if (manager != nullptr) {
      EXPECT_EQ(llmq_manager_destroy(manager), LLMQ_OK);
    }
    llmq_conf_free(conf);
    return status;
  });
}

TEST_F(NoMemManager, WhenAHookGoesToAQueue) {
  llmq_cq_t* told = nullptr;
  ASSERT_EQ(llmq_cq_create(&told), LLMQ_OK);
  uint64_t calls = 0;
  at_each_allocation("llmq_set_hook_queue", [&](Failure failure) {
    ++calls;
    const auto status = with(
        failure, [&] { return llmq_set_hook_queue(manager_, LLMQ_HOOK_COMPLETED, told, calls); });
    const llmq_request_id_t id = submit();
    answer(next_attempt());
    expect_done(id, LLMQ_OK);
    EXPECT_EQ(llmq_set_hook_queue(manager_, 0, nullptr, 0), LLMQ_OK);
    info_of(manager_, "m");   // behind what the loop has been told
    if (status != LLMQ_OK) {  // no event comes of it
      EXPECT_EQ(llmq_cq_wait(told, 0), LLMQ_ERR_TIMEOUT);
      return status;
    }
    for (const int32_t type : {LLMQ_EV_HOOK, LLMQ_EV_HOOK_ENDED}) {
      const llmq_event_t event = next(told);
      EXPECT_EQ(event.type, type);
      EXPECT_EQ(event.user_data, calls);
      release(event);
    }
    return status;
  });
  llmq_cq_unref(told);
}

TEST_F(NoMemManager, InOutcomesOfEvents) {
  at_each_allocation("llmq_event_outcome", [&](Failure failure) {
    llmq_request_t r = full_request();
    EXPECT_EQ(llmq_submit(manager_, &r, nullptr), LLMQ_OK);
    answer(next_attempt());
    const llmq_event_t event = next(cq_);
    llmq_outcome_t outcome{};
    outcome.struct_size = sizeof outcome;
    const auto status = with(failure, [&] { return llmq_event_outcome(&event, &outcome); });
    EXPECT_EQ(std::string(outcome.request_key, outcome.request_key_len), r.request_key);
    EXPECT_EQ(outcome.metadata_len, r.metadata_len);
    release(event);
    return status;
  });
}

}  // namespace
}  // namespace llmq::test
