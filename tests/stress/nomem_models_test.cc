// Memory runs out on the calling thread, at every allocation in turn: each call gives
// LLMQ_ERR_NOMEM or does what it says, leaks nothing and leaves everything usable. Here: models,
// their deployments, and what is set for them.
#include "stress/nomem.h"

namespace llmq::test {
namespace {

const char kMore[] = R"({
  "pools": [{"name": "q", "limits": [{"requests": 10, "per": "1m"}]}],
  "models": [{"name": "x", "limits": [{"requests": 10, "per": "1m"}],
              "deployments": [{"name": "a", "provider": "mock", "pool": "q"}]},
             {"name": "y"}]})";

TEST_F(NoMemManager, WhenModelsChange) {
  llmq_conf_t* const more = conf_of(kMore);
  const std::string before = models_of(manager_);
  at_each_allocation("llmq_manager_register_models", [&](Failure failure) {
    llmq_error_t* err = nullptr;
    const auto status =
        with(failure, [&] { return llmq_manager_register_models(manager_, more, 0, &err); });
    llmq_error_free(err);
    if (status != LLMQ_OK) {  // none of them
      EXPECT_EQ(models_of(manager_), before);
      EXPECT_EQ(llmq_manager_register_models(manager_, more, 0, nullptr), LLMQ_OK);
    }
    EXPECT_EQ(models_of(manager_), R"(["m","mock","x","y"])");
    for (const char* name : {"x", "y"}) {
      EXPECT_EQ(llmq_manager_remove_model(manager_, name, 1, LLMQ_SHUTDOWN_CANCEL), LLMQ_OK);
    }
    return status;
  });
  at_each_allocation("llmq_manager_remove_model", [&](Failure failure) {
    EXPECT_EQ(llmq_manager_register_models(manager_, more, 0, nullptr), LLMQ_OK);
    const auto status = with(
        failure, [&] { return llmq_manager_remove_model(manager_, "x", 1, LLMQ_SHUTDOWN_CANCEL); });
    if (status != LLMQ_OK) {
      EXPECT_EQ(models_of(manager_), R"(["m","mock","x","y"])");
      EXPECT_EQ(llmq_manager_remove_model(manager_, "x", 1, LLMQ_SHUTDOWN_CANCEL), LLMQ_OK);
    }
    EXPECT_EQ(llmq_manager_remove_model(manager_, "y", 1, LLMQ_SHUTDOWN_CANCEL), LLMQ_OK);
    return status;
  });
  llmq_conf_free(more);
}

TEST_F(NoMemManager, WhenDeploymentsChange) {
  llmq_conf_t* const conf = conf_of(
      R"({"models": [{"name": "mock", "deployments": [{"name": "fresh", "provider": "mock"}]}]})");
  const auto add = [&] {
    return llmq_manager_add_deployment(manager_, "mock", 4, "fresh", 5, conf, nullptr);
  };
  const auto remove = [&] {
    return llmq_manager_remove_deployment(manager_, "mock", 4, "fresh", 5, LLMQ_SHUTDOWN_CANCEL,
                                          nullptr);
  };
  at_each_allocation("llmq_manager_add_deployment", [&](Failure failure) {
    const auto status = with(failure, add);
    EXPECT_EQ(has(info_of(manager_, "mock"), "\"fresh\""), status == LLMQ_OK);
    if (status != LLMQ_OK) {
      EXPECT_EQ(add(), LLMQ_OK);
    }
    EXPECT_EQ(remove(), LLMQ_OK);
    return status;
  });
  at_each_allocation("llmq_manager_remove_deployment", [&](Failure failure) {
    EXPECT_EQ(add(), LLMQ_OK);
    const auto status = with(failure, remove);
    EXPECT_EQ(has(info_of(manager_, "mock"), "\"fresh\""), status != LLMQ_OK);
    if (status != LLMQ_OK) {
      EXPECT_EQ(remove(), LLMQ_OK);
    }
    return status;
  });
  llmq_conf_free(conf);
}

TEST_F(NoMemManager, WhenSettingsChange) {
  // `value` shows as 777 in what is told of the model, `other` does not.
  const auto change = [&](const char* key, const char* value, const char* other,
                          const char* model) {
    at_each_allocation(key, [&](Failure failure) {
      llmq_error_t* err = nullptr;
      const auto status =
          with(failure, [&] { return llmq_manager_set(manager_, key, value, &err); });
      llmq_error_free(err);
      EXPECT_EQ(has(info_of(manager_, model), "777"), status == LLMQ_OK);
      if (status == LLMQ_OK) {
        EXPECT_EQ(llmq_manager_set(manager_, key, other, nullptr), LLMQ_OK);
      }
      return status;
    });
  };
  change("model.m.rpm", "777", "1000", "m");
  change("pool.p.limits", "tokens=777000/1m", "tokens=1000000/1m", "mock");
}

TEST_F(NoMemManager, WhenFunctionsAreSet) {
  Owner owner;
  int calls = 0;
  const auto freed_once = [&](const char* name, const std::function<llmq_status_t()>& set,
                              const std::function<void()>& unset) {
    at_each_allocation(name, [&](Failure failure) {
      ++calls;
      const auto status = with(failure, set);
      unset();
      info_of(manager_, "m");  // behind what the loop has been told
      EXPECT_EQ(owner.frees, calls);
      return status;
    });
  };
  freed_once(
      "llmq_set_hook",
      [&] {
        return llmq_set_hook(
            manager_, LLMQ_HOOK_COMPLETED, [](void*, const llmq_hook_t*) {}, &owner.frees,
            count_call);
      },
      [&] { EXPECT_EQ(llmq_set_hook(manager_, 0, nullptr, nullptr, nullptr), LLMQ_OK); });
  freed_once(
      "llmq_model_set_processor",
      [&] {
        return llmq_model_set_processor(
            manager_, "m", 1, [](void*, const llmq_event_t*) {}, nullptr, &owner.frees, count_call);
      },
      [&] { EXPECT_EQ(llmq_model_set_workers(manager_, "m", 1, work_, -1), LLMQ_OK); });
  freed_once(
      "llmq_cq_set_wakeup",
      [&] {
        return llmq_cq_set_wakeup(
            cq_, [](void*) {}, &owner.frees, count_call);
      },
      [&] { EXPECT_EQ(llmq_cq_set_wakeup(cq_, nullptr, nullptr, nullptr), LLMQ_OK); });
  at_each_allocation("llmq_model_set_workers", [&](Failure failure) {
    return with(failure, [&] { return llmq_model_set_workers(manager_, "m", 1, work_, -1); });
  });
}

}  // namespace
}  // namespace llmq::test
