// Memory runs out on the calling thread, at every allocation in turn: each call gives
// LLMQ_ERR_NOMEM or does what it says, leaks nothing and leaves everything usable. Here: settings,
// managers, queues, plans and reports.
#include <cstdlib>

#include "stress/nomem.h"

namespace llmq::test {
namespace {

TEST(NoMem, InSettings) {
  at_each_allocation("llmq_conf_create", [](Failure failure) {
    llmq_conf_t* conf = nullptr;
    const auto status = with(failure, [&] { return llmq_conf_create(&conf); });
    EXPECT_EQ(conf != nullptr, status == LLMQ_OK);
    llmq_conf_free(conf);
    return status;
  });
  at_each_allocation("llmq_conf_set_json", [](Failure failure) {
    llmq_conf_t* conf = nullptr;
    EXPECT_EQ(llmq_conf_create(&conf), LLMQ_OK);
    llmq_error_t* err = nullptr;
    const auto status = with(
        failure, [&] { return llmq_conf_set_json(conf, kDocument, std::strlen(kDocument), &err); });
    llmq_error_free(err);
    EXPECT_EQ(llmq_conf_set_json(conf, kDocument, std::strlen(kDocument), nullptr), LLMQ_OK);
    llmq_conf_free(conf);
    return status;
  });
  llmq_conf_t* const conf = conf_of(kDocument);
  at_each_allocation("llmq_conf_set", [&](Failure failure) {
    return with(failure, [&] { return llmq_conf_set(conf, "model.m.rpm", "77", nullptr); });
  });
  at_each_allocation(
      "llmq_conf_set of an unknown key",
      [&](Failure failure) {
        llmq_error_t* err = nullptr;
        const auto status =
            with(failure, [&] { return llmq_conf_set(conf, "model.m.rpx", "77", &err); });
        llmq_error_free(err);
        return status;
      },
      LLMQ_ERR_UNKNOWN_KEY);
  at_each_allocation("llmq_conf_copy", [&](Failure failure) {
    llmq_conf_t* copy = nullptr;
    const auto status = with(failure, [&] { return llmq_conf_copy(conf, &copy); });
    llmq_conf_free(copy);
    return status;
  });
  at_each_allocation("llmq_conf_validate", [&](Failure failure) {
    return with(failure, [&] { return llmq_conf_validate(conf, nullptr); });
  });
  Text value;
  at_each_allocation("llmq_conf_get", [&](Failure failure) {
    return value.same_as_before(
        with(failure, [&] { return llmq_conf_get(conf, "model.m.limits", value.out(), nullptr); }));
  });
  Text models;
  at_each_allocation("llmq_conf_models_json", [&](Failure failure) {
    return models.same_as_before(
        with(failure, [&] { return llmq_conf_models_json(conf, models.out()); }));
  });
  Text presets;
  at_each_allocation("llmq_conf_presets_json", [&](Failure failure) {
    return presets.same_as_before(
        with(failure, [&] { return llmq_conf_presets_json(presets.out()); }));
  });
  llmq_conf_free(conf);
}

TEST(NoMem, CallbacksAreFreedOnce) {
  llmq_conf_t* const conf = conf_of(kDocument);
  const auto log = [](void*, int32_t, const char*, size_t) {};
  int calls = 0;
  Owner owner;
  at_each_allocation("llmq_conf_set_log", [&](Failure failure) {
    ++calls;
    const auto status = with(failure, [&] {
      return llmq_conf_set_log(conf, LLMQ_LOG_OFF, log, &owner.frees, count_call);
    });
    EXPECT_EQ(owner.frees, status == LLMQ_OK ? calls - 1 : calls);
    if (status == LLMQ_OK) {  // the one that is set now
      EXPECT_EQ(llmq_conf_set_log(conf, LLMQ_LOG_OFF, nullptr, nullptr, nullptr), LLMQ_OK);
    }
    EXPECT_EQ(owner.frees, calls);
    return status;
  });
  const auto take = [](void*, size_t size) { return std::malloc(size); };
  const auto give_back = [](void*, void* memory, size_t) { std::free(memory); };
  Owner allocator;
  calls = 0;
  at_each_allocation("llmq_conf_set_allocator", [&](Failure failure) {
    ++calls;
    const auto status = with(failure, [&] {
      return llmq_conf_set_allocator(conf, take, give_back, &allocator.frees, count_call);
    });
    EXPECT_EQ(allocator.frees, status == LLMQ_OK ? calls - 1 : calls);
    if (status == LLMQ_OK) {  // those that are set now
      EXPECT_EQ(llmq_conf_set_allocator(conf, nullptr, nullptr, nullptr, nullptr), LLMQ_OK);
    }
    EXPECT_EQ(allocator.frees, calls);
    return status;
  });
  llmq_conf_free(conf);
}

TEST(NoMem, WhenAManagerIsMade) {
  llmq_conf_t* const conf = conf_of(kDocument);
  int made = 0;
  at_each_allocation("llmq_manager_create", [&](Failure failure) {
    failure.only_new = true;  // libuv itself ends the process where it gets no memory to begin with
    llmq_manager_t* manager = nullptr;
    llmq_error_t* err = nullptr;
    const auto status = with(failure, [&] { return llmq_manager_create(conf, &manager, &err); });
    EXPECT_EQ(manager != nullptr, status == LLMQ_OK);
    if (err != nullptr) {
      EXPECT_EQ(llmq_error_code(err), status);
    }
    llmq_error_free(err);
    if (manager != nullptr) {
      ++made;
      EXPECT_EQ(models_of(manager), R"(["m","mock"])");
      EXPECT_EQ(llmq_manager_destroy(manager), LLMQ_OK);
    }
    return status;
  });
  EXPECT_GE(made, 2);
  llmq_conf_free(conf);
}

TEST(NoMem, WhenAManagerGoes) {
  at_each_allocation("llmq_manager_destroy", [](Failure failure) {
    llmq_manager_t* manager = nullptr;
    EXPECT_EQ(llmq_manager_create(nullptr, &manager, nullptr), LLMQ_OK);
    const auto status = with(failure, [&] { return llmq_manager_destroy(manager); });
    EXPECT_EQ(status, LLMQ_OK);  // a manager can be left without memory
    return status;
  });
  at_each_allocation("llmq_manager_unref", [](Failure failure) {
    llmq_manager_t* manager = nullptr;
    EXPECT_EQ(llmq_manager_create(nullptr, &manager, nullptr), LLMQ_OK);
    return with(failure, [&] {
      llmq_manager_unref(manager);
      return LLMQ_OK;
    });
  });
  at_each_allocation("llmq_manager_shutdown", [](Failure failure) {
    llmq_manager_t* manager = nullptr;
    llmq_cq_t* cq = nullptr;
    EXPECT_EQ(llmq_manager_create(nullptr, &manager, nullptr), LLMQ_OK);
    EXPECT_EQ(llmq_cq_create(&cq), LLMQ_OK);
    const auto status = with(
        failure, [&] { return llmq_manager_shutdown(manager, LLMQ_SHUTDOWN_DRAIN, 0, cq, 7); });
    if (status != LLMQ_OK) {  // nothing has happened
      EXPECT_EQ(llmq_cq_wait(cq, 0), LLMQ_ERR_TIMEOUT);
      EXPECT_EQ(llmq_manager_shutdown(manager, LLMQ_SHUTDOWN_DRAIN, 0, cq, 7), LLMQ_OK);
    }
    EXPECT_EQ(llmq_cq_wait(cq, kPatience), LLMQ_OK);
    llmq_event_t event{};
    event.stride = sizeof event;
    EXPECT_EQ(llmq_cq_drain(cq, &event, 1), 1U);
    EXPECT_EQ(event.type, LLMQ_EV_CLOSED);
    llmq_manager_unref(manager);
    llmq_cq_unref(cq);
    return status;
  });
}

TEST(NoMem, InQueues) {
  at_each_allocation("llmq_cq_create", [](Failure failure) {
    llmq_cq_t* cq = nullptr;
    const auto status = with(failure, [&] { return llmq_cq_create(&cq); });
    llmq_cq_unref(cq);
    return status;
  });
  at_each_allocation("llmq_cq_fd", [](Failure failure) {
    llmq_cq_t* cq = nullptr;
    int32_t fd = -1;
    EXPECT_EQ(llmq_cq_create(&cq), LLMQ_OK);
    const auto status = with(failure, [&] { return llmq_cq_fd(cq, LLMQ_CQ_FD_EVENTFD, &fd); });
    llmq_cq_unref(cq);
    return status;
  });
}

TEST_F(NoMemManager, InReports) {
  Text models;
  at_each_allocation("llmq_manager_models_json", [&](Failure failure) {
    return models.same_as_before(
        with(failure, [&] { return llmq_manager_models_json(manager_, models.out(), nullptr); }));
  });
  Text stats;
  at_each_allocation("llmq_stats_json", [&](Failure failure) {
    // Wake-ups are counted: only that it is whole can be seen.
    const auto status =
        with(failure, [&] { return llmq_stats_json(manager_, stats.out(), nullptr); });
    if (status == LLMQ_OK) {
      const std::string text = *stats.out();
      EXPECT_EQ(text.find("\"tenants\"") != std::string::npos, true) << text;
      llmq_buf_free(std::exchange(*stats.out(), nullptr));
    }
    return status;
  });
  at_each_allocation("llmq_manager_info_json", [&](Failure failure) {
    char* json = nullptr;
    const auto status =
        with(failure, [&] { return llmq_manager_info_json(manager_, nullptr, 0, &json, nullptr); });
    if (status == LLMQ_OK) {
      EXPECT_TRUE(has(json, "\"mock\""));
    }
    llmq_buf_free(json);
    return status;
  });
  const char record[] =
      R"({"status":429,"headers":{"retry-after":"3","x-ratelimit-limit-requests":"60"},
          "body":{"error":{"message":"Rate limit reached","type":"requests"}}})";
  Text explained;
  at_each_allocation("llmq_explain_json", [&](Failure failure) {
    return explained.same_as_before(with(failure, [&] {
      return llmq_explain_json("openai", 6, record, std::strlen(record), explained.out(), nullptr,
                               nullptr);
    }));
  });
}

TEST(NoMem, InPlans) {
  llmq_conf_t* const conf = conf_of(kDocument);
  Text report;
  at_each_allocation("llmq_plan", [&](Failure failure) {
    llmq_plan_t* plan = nullptr;
    auto status = with(failure, [&] { return llmq_plan_create(conf, &plan, nullptr); });
    if (status != LLMQ_OK) return status;
    llmq_request_t r{};
    r.struct_size = sizeof r;
    r.operation = LLMQ_OP_CUSTOM;
    r.model = "m";
    r.model_len = 1;
    r.payload = "x";
    r.payload_len = 1;
    status = with(failure, [&] { return llmq_plan_add(plan, &r, nullptr); });
    if (status != LLMQ_OK) {
      EXPECT_EQ(llmq_plan_add(plan, &r, nullptr), LLMQ_OK);
    }
    char* json = nullptr;
    const auto ran = with(failure, [&] { return llmq_plan_run(plan, &json, nullptr); });
    EXPECT_TRUE(ran == LLMQ_OK || ran == LLMQ_ERR_NOMEM) << llmq_status_name(ran);
    llmq_buf_free(json);
    llmq_plan_free(plan);
    return ran;
  });
  llmq_conf_free(conf);
}

}  // namespace
}  // namespace llmq::test
