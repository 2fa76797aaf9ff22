// Memory runs out on the calling thread, at every allocation in turn: each call gives
// LLMQ_ERR_NOMEM or does what it says, leaks nothing and leaves everything usable. Here: requests,
// attempts and responses.
#include "stress/nomem.h"

namespace llmq::test {
namespace {

TEST_F(NoMemManager, InSubmit) {
  at_each_allocation("llmq_submit", [&](Failure failure) {
    llmq_request_t r = full_request();
    llmq_request_id_t id = 0;
    const auto status = with(failure, [&] { return llmq_submit(manager_, &r, &id); });
    if (status == LLMQ_OK) {
      answer(next_attempt());
      expect_done(id, LLMQ_OK);
    }
    still_works();
    return status;
  });
  at_each_allocation("llmq_submit_batch", [&](Failure failure) {
    llmq_request_t all[3] = {full_request(), full_request(), full_request()};
    llmq_request_id_t ids[3] = {0, 0, 0};
    size_t accepted = 0;
    const auto status = with(failure, [&] {
      return llmq_submit_batch(manager_, all, sizeof all[0], 3, ids, &accepted);
    });
    EXPECT_EQ(accepted == 3, status == LLMQ_OK);
    for (size_t i = 0; i < accepted; ++i) {
      answer(next_attempt());
      expect_done(ids[i], LLMQ_OK);
    }
    still_works();
    return status;
  });
  at_each_allocation("llmq_submit_wait", [&](Failure failure) {
    llmq_request_t r = full_request();
    r.cq = nullptr;
    r.model = "mock";
    r.model_len = 4;
    llmq_response_t* response = nullptr;
    const auto status =
        with(failure, [&] { return llmq_submit_wait(manager_, &r, kPatience, &response); });
    EXPECT_EQ(response != nullptr, status == LLMQ_OK);
    llmq_response_free(response);
    still_works();
    return status;
  });
}

// The slab of requests grows too.
TEST(NoMem, WhenManyAreSubmitted) {
  llmq_manager_t* manager = nullptr;
  llmq_cq_t* cq = nullptr;
  llmq_conf_t* const conf = conf_of(R"({"models": [{"name": "m"}]})");
  ASSERT_EQ(llmq_manager_create(conf, &manager, nullptr), LLMQ_OK);
  ASSERT_EQ(llmq_cq_create(&cq), LLMQ_OK);
  llmq_conf_free(conf);
  uint64_t accepted = 0;
  uint64_t refused = 0;
  for (int i = 0; i < 5000; ++i) {
    llmq_request_t r{};
    r.struct_size = sizeof r;
    r.operation = LLMQ_OP_CUSTOM;
    r.model = "m";
    r.model_len = 1;
    r.cq = cq;
    const auto status =
        with(Failure{1 + i % 2, false}, [&] { return llmq_submit(manager, &r, nullptr); });
    ++(status == LLMQ_OK ? accepted : refused);
    if (status != LLMQ_OK) {
      EXPECT_EQ(status, LLMQ_ERR_NOMEM);
    }
  }
  EXPECT_GT(refused, 0U);
  ASSERT_EQ(llmq_manager_destroy(manager), LLMQ_OK);
  uint64_t ended = 0;
  llmq_event_t event{};
  event.stride = sizeof event;
  while (llmq_cq_drain(cq, &event, 1) == 1) {
    ++ended;
    llmq_events_release(&event, sizeof event, 1);
  }
  EXPECT_EQ(ended, accepted);
  llmq_cq_unref(cq);
}

TEST_F(NoMemManager, InPermits) {
  at_each_allocation("llmq_acquire", [&](Failure failure) {
    llmq_request_t r = permit_request();
    r.cq = cq_;
    const auto status = with(failure, [&] { return llmq_acquire(manager_, &r, nullptr); });
    if (status == LLMQ_OK) {
      const llmq_event_t permit = next(cq_);
      EXPECT_EQ(permit.type, LLMQ_EV_PERMIT);
      EXPECT_EQ(llmq_permit_release(manager_, permit.attempt_id, nullptr), LLMQ_OK);
      release(permit);
    }
    still_works();
    return status;
  });
  at_each_allocation("llmq_try_acquire", [&](Failure failure) {
    llmq_request_t r = permit_request();
    llmq_attempt_id_t attempt = 0;
    const auto status =
        with(failure, [&] { return llmq_try_acquire(manager_, &r, &attempt, nullptr); });
    if (status == LLMQ_OK) {
      EXPECT_EQ(llmq_permit_release(manager_, attempt, nullptr), LLMQ_OK);
    }
    still_works();
    return status;
  });
}

TEST_F(NoMemManager, InQuestionsAboutRequests) {
  const llmq_request_t r = full_request();
  at_each_allocation("llmq_request_check", [&](Failure failure) {
    return with(failure, [&] { return llmq_request_check(manager_, &r, nullptr); });
  });
  at_each_allocation("llmq_request_estimate", [&](Failure failure) {
    llmq_usage_t usage{};
    usage.struct_size = sizeof usage;
    return with(failure, [&] { return llmq_request_estimate(manager_, &r, &usage, nullptr); });
  });
  const llmq_request_id_t id = submit();
  const llmq_attempt_id_t attempt = next_attempt();
  at_each_allocation("llmq_request_wait_estimate", [&](Failure failure) {
    llmq_wait_t wait{};
    wait.struct_size = sizeof wait;
    return with(failure, [&] { return llmq_request_wait_estimate(manager_, id, &wait); });
  });
  at_each_allocation("llmq_request_state", [&](Failure failure) {
    int32_t state = 0;
    return with(failure, [&] { return llmq_request_state(manager_, id, &state); });
  });
  at_each_allocation("llmq_attempt_heartbeat", [&](Failure failure) {
    return with(failure, [&] { return llmq_attempt_heartbeat(manager_, attempt); });
  });
  at_each_allocation("llmq_attempt_deadline_ns", [&](Failure failure) {
    int64_t deadline = 0;
    return with(failure, [&] { return llmq_attempt_deadline_ns(manager_, attempt, &deadline); });
  });
  at_each_allocation("llmq_attempt_tenant", [&](Failure failure) {
    const char* data = nullptr;
    size_t len = 0;
    return with(failure, [&] { return llmq_attempt_tenant(manager_, attempt, &data, &len); });
  });
  const char* const names[] = {"x-ratelimit-limit-requests", "x-ratelimit-remaining-requests",
                               "x-ratelimit-reset-requests"};
  const char* const values[] = {"100000", "99000", "1s"};
  at_each_allocation("llmq_report_limits", [&](Failure failure) {
    return with(failure, [&] {
      return llmq_report_limits(manager_, "m", 1, names, nullptr, values, nullptr, 3);
    });
  });
  at_each_allocation("llmq_attempt_report_limits", [&](Failure failure) {
    return with(failure, [&] {
      return llmq_attempt_report_limits(manager_, attempt, names, nullptr, values, nullptr, 3);
    });
  });
  answer(attempt);
  expect_done(id, LLMQ_OK);
}

TEST_F(NoMemManager, InReportsOfAttempts) {
  const llmq_usage_t usage{sizeof usage, 0, 7, 3, 0, 0, 0};
  at_each_allocation("llmq_attempt_succeed", [&](Failure failure) {
    const llmq_request_id_t id = submit();
    const llmq_attempt_id_t attempt = next_attempt();
    const auto status = with(failure, [&] {
      return llmq_attempt_succeed(manager_, attempt, "an answer that is not short at all", 34,
                                  &usage);
    });
    if (status != LLMQ_OK) answer(attempt);  // it can be said again
    expect_done(id, LLMQ_OK);
    return status;
  });
  at_each_allocation("llmq_attempt_fail", [&](Failure failure) {
    const llmq_request_id_t id = submit();
    const llmq_attempt_id_t attempt = next_attempt();
    const auto fail = [&] {
      return llmq_attempt_fail(manager_, attempt, LLMQ_ERR_PROCESSING,
                               "words that are longer than a short string", 41, 0);
    };
    const auto status = with(failure, fail);
    if (status != LLMQ_OK) {
      EXPECT_EQ(fail(), LLMQ_OK);
    }
    expect_done(id, LLMQ_ERR_PROCESSING);
    return status;
  });
  at_each_allocation("llmq_attempt_chunk", [&](Failure failure) {
    llmq_request_t r = full_request();
    r.flags = LLMQ_REQUEST_STREAM;
    llmq_request_id_t id = 0;
    EXPECT_EQ(llmq_submit(manager_, &r, &id), LLMQ_OK);
    const llmq_attempt_id_t attempt = next_attempt();
    const auto status = with(failure, [&] {
      return llmq_attempt_chunk(manager_, attempt, "a piece that is longer than a short string",
                                42);
    });
    if (status == LLMQ_OK) {
      const llmq_event_t chunk = next(cq_);
      EXPECT_EQ(chunk.type, LLMQ_EV_CHUNK);
      release(chunk);
    }
    answer(attempt);
    expect_done(id, LLMQ_OK);
    return status;
  });
  at_each_allocation("llmq_cancel", [&](Failure failure) {
    const llmq_request_id_t id = submit();
    const llmq_attempt_id_t attempt = next_attempt();
    const auto status = with(failure, [&] { return llmq_cancel(manager_, id); });
    if (status == LLMQ_OK) {
      const llmq_event_t stop = next(work_);
      EXPECT_EQ(stop.type, LLMQ_EV_CANCEL_REQUESTED);
      release(stop);
    } else {
      answer(attempt);
    }
    expect_done(id, status == LLMQ_OK ? LLMQ_ERR_CANCELLED : LLMQ_OK);
    return status;
  });
}

// Nobody takes the attempt: it goes to the next who drains.
TEST_F(NoMemManager, WhenEventsAreReleased) {
  at_each_allocation("llmq_cq_unref with an attempt in it", [&](Failure failure) {
    llmq_cq_t* workers = nullptr;
    EXPECT_EQ(llmq_cq_create(&workers), LLMQ_OK);
    EXPECT_EQ(llmq_model_set_workers(manager_, "m", 1, workers, -1), LLMQ_OK);
    const llmq_request_id_t id = submit();
    EXPECT_EQ(llmq_cq_wait(workers, kPatience), LLMQ_OK);
    EXPECT_EQ(llmq_model_set_workers(manager_, "m", 1, work_, -1), LLMQ_OK);
    info_of(manager_, "m");  // behind what the loop has been told
    const auto status = with(failure, [&] {
      llmq_cq_unref(workers);
      return LLMQ_OK;
    });
    answer(next_attempt());
    expect_done(id, LLMQ_OK);
    return status;
  });
  at_each_allocation("llmq_events_release of chunks that fill the buffer", [&](Failure failure) {
    llmq_request_t r = full_request();
    r.flags = LLMQ_REQUEST_STREAM;
    r.model = "mock";
    r.model_len = 4;
    llmq_request_id_t id = 0;
    EXPECT_EQ(llmq_submit(manager_, &r, &id), LLMQ_OK);
    for (;;) {
      llmq_event_t event = next(cq_);
      const int32_t type = event.type;
      with(failure, [&] {
        llmq_events_release(&event, sizeof event, 1);
        return LLMQ_OK;
      });
      if (type == LLMQ_EV_DONE) break;
    }
    return LLMQ_OK;
  });
}

TEST_F(NoMemManager, WhenResponsesAreTaken) {
  at_each_allocation("llmq_response_get", [&](Failure failure) {
    llmq_request_t r = full_request();
    r.cq = nullptr;
    r.flags = LLMQ_REQUEST_KEEP;
    llmq_request_id_t id = 0;
    EXPECT_EQ(llmq_submit(manager_, &r, &id), LLMQ_OK);
    answer(next_attempt());
    info_of(manager_, "m");  // behind the answer
    llmq_response_t* response = nullptr;
    const auto status = with(failure, [&] { return llmq_response_get(manager_, id, &response); });
    if (status != LLMQ_OK) {  // it is still there
      EXPECT_EQ(llmq_response_get(manager_, id, &response), LLMQ_OK);
    }
    EXPECT_STREQ(static_cast<const char*>(llmq_response_data(response, nullptr)), "ok");
    llmq_response_free(response);
    return status;
  });
  at_each_allocation("llmq_event_take", [&](Failure failure) {
    const llmq_request_id_t id = submit();
    answer(next_attempt());
    llmq_event_t event = next(cq_);
    EXPECT_EQ(event.request_id, id);
    llmq_response_t* response = nullptr;
    const auto status = with(failure, [&] { return llmq_event_take(&event, &response); });
    if (status != LLMQ_OK) {
      EXPECT_EQ(llmq_event_take(&event, &response), LLMQ_OK);
    }
    EXPECT_STREQ(static_cast<const char*>(llmq_response_data(response, nullptr)), "ok");
    llmq_response_free(response);
    return status;
  });
  const llmq_request_id_t id = submit();
  answer(next_attempt());
  expect_done(id, LLMQ_OK);
  Text attempts;
  at_each_allocation("llmq_response_attempts_json", [&](Failure failure) {
    llmq_response_t* response = nullptr;
    EXPECT_EQ(llmq_response_peek(manager_, id, &response), LLMQ_OK);
    const auto status = attempts.same_as_before(with(
        failure, [&] { return llmq_response_attempts_json(response, attempts.out(), nullptr); }));
    llmq_response_free(response);
    return status;
  });
  at_each_allocation("llmq_response_peek", [&](Failure failure) {
    llmq_response_t* response = nullptr;
    const auto status = with(failure, [&] { return llmq_response_peek(manager_, id, &response); });
    llmq_response_free(response);
    return status;
  });
  const llmq_usage_t usage{sizeof usage, 0, 7, 3, 0, 0, 0};
  at_each_allocation("llmq_usage_update", [&](Failure failure) {
    llmq_request_t r = full_request();
    r.flags = LLMQ_REQUEST_LATE_USAGE;
    llmq_request_id_t late = 0;
    EXPECT_EQ(llmq_submit(manager_, &r, &late), LLMQ_OK);
    answer(next_attempt());
    expect_done(late, LLMQ_OK);
    return with(failure, [&] { return llmq_usage_update(manager_, late, &usage); });
  });
}

}  // namespace
}  // namespace llmq::test
