// Keys that a manager asks for by events, answered by whoever drains the queue.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <llmq/llmq.h>

#include <cstdint>
#include <string>

#include "integration/key_server.h"

namespace llmq::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int64_t kPatience = int64_t{60} * 1'000'000'000;

struct Answer {
  llmq_status_t status = LLMQ_OK;
  uint32_t attempts = 0;
  std::string message;
};

class KeysByEvents : public ::testing::Test {
 protected:
  KeysByEvents() : server_("sk-new") {
    llmq_conf_create(&conf_);
    llmq_cq_create(&questions_);
    llmq_cq_create(&answers_);
    llmq_conf_ask_for_keys(conf_);
    set("provider", "openai");
    set("base_url", server_.url());
    set("find_limits", "false");  // else the first answers are waited for
  }
  ~KeysByEvents() override {
    llmq_manager_destroy(manager_);
    llmq_cq_unref(questions_);
    llmq_cq_unref(answers_);
    llmq_conf_free(conf_);
  }

  void set(const std::string& key, const std::string& value) {
    ASSERT_EQ(llmq_conf_set(conf_, ("model.m." + key).c_str(), value.c_str(), nullptr), LLMQ_OK);
  }
  void open() {
    ASSERT_EQ(llmq_manager_create(conf_, &manager_, nullptr), LLMQ_OK);
    ASSERT_EQ(llmq_set_key_queue(manager_, questions_, 7), LLMQ_OK);
  }
  llmq_request_id_t submit() {
    llmq_request_t request = greeting();
    request.cq = answers_;
    llmq_request_id_t id = 0;
    EXPECT_EQ(llmq_submit(manager_, &request, &id), LLMQ_OK);
    return id;
  }
  static llmq_event_t next(llmq_cq_t* cq) {
    llmq_event_t event{};
    event.stride = sizeof event;
    while (llmq_cq_drain(cq, &event, 1) == 0) {
      if (llmq_cq_wait(cq, kPatience) != LLMQ_OK) ADD_FAILURE() << "no event came";
      if (::testing::Test::HasFailure()) break;
    }
    return event;
  }
  // The number of the next question, which must be of that request. Whether there is another key in
  // place of one that was refused, of which no request is, is answered with no.
  uint64_t question(llmq_request_id_t of) {
    llmq_event_t event = next(questions_);
    EXPECT_EQ(event.type, LLMQ_EV_KEY);
    EXPECT_EQ(event.user_data, 7U);
    const std::string told(static_cast<const char*>(event.data), event.data_len);
    EXPECT_EQ(told, std::string("m\0", 2));
    const uint64_t number = event.attempt_id;
    const bool of_none = event.request_id == 0;
    EXPECT_TRUE(of_none || event.request_id == of) << event.request_id;
    llmq_events_release(&event, sizeof event, 1);
    if (!of_none || ::testing::Test::HasFailure()) return number;
    answer(number, "");
    return question(of);
  }
  // The same, of any deployment, whose name is added.
  uint64_t any_question(llmq_request_id_t of, std::string* deployments) {
    llmq_event_t event = next(questions_);
    EXPECT_EQ(event.type, LLMQ_EV_KEY);
    EXPECT_EQ(event.request_id, of);
    deployments->append(static_cast<const char*>(event.data) + 2, event.data_len - 2);
    const uint64_t number = event.attempt_id;
    llmq_events_release(&event, sizeof event, 1);
    return number;
  }
  void answer(uint64_t number, const std::string& key, const std::string& error = "") {
    EXPECT_EQ(llmq_key_answer(manager_, number, key.data(), key.size(), error.data(), error.size()),
              LLMQ_OK);
  }
  Answer done(llmq_request_id_t id) {
    llmq_event_t event = next(answers_);
    EXPECT_EQ(event.type, LLMQ_EV_DONE);
    EXPECT_EQ(event.request_id, id);
    llmq_outcome_t outcome{};
    outcome.struct_size = sizeof outcome;
    EXPECT_EQ(llmq_event_outcome(&event, &outcome), LLMQ_OK);
    const Answer told{event.status, event.attempt, outcome.error};
    llmq_events_release(&event, sizeof event, 1);
    return told;
  }

  KeyServer server_;
  llmq_conf_t* conf_ = nullptr;
  llmq_manager_t* manager_ = nullptr;
  llmq_cq_t* questions_ = nullptr;
  llmq_cq_t* answers_ = nullptr;
};

TEST_F(KeysByEvents, EachAttemptIsSentWithTheKeyOfItsAnswer) {
  open();
  for (int i = 0; i < 2; ++i) {
    const llmq_request_id_t id = submit();
    answer(question(id), "sk-new");
    EXPECT_EQ(done(id).status, LLMQ_OK);
  }
  EXPECT_THAT(server_.keys(), ElementsAre("sk-new", "sk-new"));
}

// The first attempt waits for its key; the second one is answered first.
TEST_F(KeysByEvents, OneThatWaitsHoldsUpNoOther) {
  open();
  const llmq_request_id_t slow = submit();
  const uint64_t later = question(slow);
  const llmq_request_id_t quick = submit();
  answer(question(quick), "sk-new");
  EXPECT_EQ(done(quick).status, LLMQ_OK);
  answer(later, "sk-new");
  EXPECT_EQ(done(slow).status, LLMQ_OK);
}

TEST_F(KeysByEvents, WithoutAKeyTheAttemptEndsAndSaysWhy) {
  open();
  const llmq_request_id_t id = submit();
  answer(question(id), "", "the vault is sealed");
  const Answer told = done(id);
  EXPECT_EQ(told.status, LLMQ_ERR_AUTH);
  EXPECT_THAT(told.message, HasSubstr("the vault is sealed"));
  const llmq_request_id_t second = submit();
  answer(question(second), std::string(10'000, 'k'));
  EXPECT_THAT(done(second).message, HasSubstr("longer than 8192 bytes"));
  EXPECT_EQ(server_.keys().size(), 0U);
}

TEST_F(KeysByEvents, ARefusedKeyIsAskedForAgainAndTheNewOneTried) {
  open();
  const llmq_request_id_t id = submit();
  answer(question(id), "sk-old");
  answer(question(id), "sk-new");  // is there another one?
  answer(question(id), "sk-new");  // of the second attempt
  const Answer told = done(id);
  EXPECT_EQ(told.status, LLMQ_OK);
  EXPECT_EQ(told.attempts, 2U);
  EXPECT_THAT(server_.keys(), ElementsAre("sk-old", "sk-new"));
}

TEST_F(KeysByEvents, AKeyThatIsStillTheSameOrGoneIsNotTriedAgain) {
  open();
  for (const char* const second : {"sk-old", ""}) {
    const llmq_request_id_t id = submit();
    answer(question(id), "sk-old");
    answer(question(id), second, "it is gone");
    const Answer told = done(id);
    EXPECT_EQ(told.status, LLMQ_ERR_AUTH);
    EXPECT_EQ(told.attempts, 1U);
  }
}

TEST_F(KeysByEvents, ASecondRefusalIsFinal) {
  open();
  const llmq_request_id_t id = submit();
  for (const char* const key : {"sk-1", "sk-2", "sk-3"}) answer(question(id), key);
  const Answer told = done(id);
  EXPECT_EQ(told.status, LLMQ_ERR_AUTH);
  EXPECT_EQ(told.attempts, 2U);
  EXPECT_THAT(server_.keys(), ElementsAre("sk-1", "sk-3"));
}

// Three refusals in a row: no call is made until the host has another key, for which it is asked
// when requests come, once a second.
TEST_F(KeysByEvents, ADeploymentThatWasGivenUpIsCalledAgainWithAnotherKey) {
  open();
  for (int i = 0; i < 3; ++i) {
    const llmq_request_id_t id = submit();
    answer(question(id), "sk-old");
    answer(question(id), "sk-old");
    EXPECT_EQ(done(id).status, LLMQ_ERR_AUTH);
  }
  uint64_t asked = 0;
  while (asked == 0) {
    const llmq_request_id_t id = submit();
    EXPECT_EQ(done(id).attempts, 0U);
    llmq_event_t event{};
    event.stride = sizeof event;
    if (llmq_cq_drain(questions_, &event, 1) == 0) continue;
    EXPECT_EQ(event.request_id, 0U);
    asked = event.attempt_id;
    llmq_events_release(&event, sizeof event, 1);
  }
  answer(asked, "sk-new");
  const llmq_request_id_t id = submit();
  answer(question(id), "sk-new");
  EXPECT_EQ(done(id).status, LLMQ_OK);
}

TEST_F(KeysByEvents, WhatIsAskedWhileNobodyHearsWaitsForAQueue) {
  ASSERT_EQ(llmq_manager_create(conf_, &manager_, nullptr), LLMQ_OK);
  const llmq_request_id_t id = submit();
  ASSERT_EQ(llmq_set_key_queue(manager_, questions_, 7), LLMQ_OK);
  const uint64_t number = question(id);
  ASSERT_EQ(llmq_set_key_queue(manager_, nullptr, 0), LLMQ_OK);
  answer(number, "sk-new");
  EXPECT_EQ(done(id).status, LLMQ_OK);
}

TEST_F(KeysByEvents, AnAttemptThatWaitsCanBeCancelledAndTimesOut) {
  set("retry.max_attempts", "1");
  open();
  const llmq_request_id_t id = submit();
  const uint64_t number = question(id);
  EXPECT_EQ(llmq_cancel(manager_, id), LLMQ_OK);
  EXPECT_EQ(done(id).status, LLMQ_ERR_CANCELLED);
  answer(number, "sk-new");  // nobody waits for it any more
  answer(number + 100, "sk-new");
  ASSERT_EQ(llmq_manager_set(manager_, "model.m.timeout_ms", "1", nullptr), LLMQ_OK);
  const llmq_request_id_t late = submit();
  question(late);
  EXPECT_EQ(done(late).status, LLMQ_ERR_TIMEOUT);
  EXPECT_EQ(server_.keys().size(), 0U);
}

TEST_F(KeysByEvents, AManagerEndsWhileKeysAreAskedFor) {
  open();
  const llmq_request_id_t first = submit();
  question(first);
  const llmq_request_id_t second = submit();
  answer(question(second), "sk-old");
  question(second);  // refused; is there another one?
  const llmq_request_id_t undrained = submit();
  EXPECT_EQ(llmq_manager_destroy(manager_), LLMQ_OK);
  manager_ = nullptr;
  for (const llmq_request_id_t id : {first, second, undrained}) {
    EXPECT_EQ(done(id).status, LLMQ_ERR_CLOSING);
  }
}

// A slow request's second call needs a key of its own, and may get it first.
TEST_F(KeysByEvents, TheSecondCallTakesOverWhileTheFirstWaitsForItsKey) {
  const std::string models =
      R"({"models":[{"name":"m","find_limits":false,"hedge":{"enabled":true,)"
      R"("after_ms":1,"budget_percent":100},"deployments":[)"
      R"({"name":"a","provider":"openai","base_url":")" +
      server_.url() + R"("},{"name":"b","provider":"openai","base_url":")" + server_.url() +
      R"("}]}]})";
  llmq_conf_free(conf_);
  llmq_conf_create(&conf_);
  llmq_conf_ask_for_keys(conf_);
  ASSERT_EQ(llmq_conf_set_json(conf_, models.data(), models.size(), nullptr), LLMQ_OK);
  open();
  const llmq_request_id_t id = submit();
  std::string places;
  uint64_t numbers[2];
  for (uint64_t& number : numbers) number = any_question(id, &places);
  EXPECT_EQ(places.size(), 2U);
  answer(numbers[1], "sk-new");
  EXPECT_EQ(done(id).status, LLMQ_OK);
  answer(numbers[0], "sk-new");
  EXPECT_EQ(server_.keys().size(), 1U);
}

TEST_F(KeysByEvents, WhoAsksAQueueThatNobodyDrainsGetsNoKey) {
  open();
  const llmq_request_id_t first = submit();
  while (llmq_cq_wait(questions_, kPatience) != LLMQ_OK) {
  }
  llmq_cq_unref(questions_);  // with a question in it
  llmq_cq_create(&questions_);
  const Answer told = done(first);
  EXPECT_EQ(told.status, LLMQ_ERR_AUTH);
  EXPECT_THAT(told.message, HasSubstr("not drained any more"));
  const llmq_request_id_t second = submit();
  EXPECT_THAT(done(second).message, HasSubstr("not drained any more"));
}

TEST_F(KeysByEvents, WrongArgumentsAreRefused) {
  EXPECT_EQ(llmq_conf_ask_for_keys(nullptr), LLMQ_ERR_INVALID_ARG);
  EXPECT_EQ(llmq_set_key_queue(nullptr, questions_, 0), LLMQ_ERR_INVALID_ARG);
  EXPECT_EQ(llmq_key_answer(nullptr, 1, "", 0, "", 0), LLMQ_ERR_INVALID_ARG);
  open();
  EXPECT_EQ(llmq_key_answer(manager_, 1, nullptr, 1, nullptr, 0), LLMQ_ERR_INVALID_ARG);
  EXPECT_EQ(llmq_key_answer(manager_, 1, nullptr, 0, nullptr, 1), LLMQ_ERR_INVALID_ARG);
  EXPECT_EQ(llmq_key_answer(manager_, 1, nullptr, 0, nullptr, 0), LLMQ_OK);
  char* report = nullptr;
  EXPECT_EQ(llmq_probe_json(conf_, "m", 1, LLMQ_PROBE_CONNECT_ONLY, &report, nullptr, nullptr),
            LLMQ_OK);
  EXPECT_THAT(report, HasSubstr("known to the host of a manager alone"));
  llmq_buf_free(report);
}

}  // namespace
}  // namespace llmq::test
