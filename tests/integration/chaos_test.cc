// Three providers that fail in every way, one of which dies and comes back, and a program that
// does everything at once: at the end every request has had one terminal event, and nothing is
// held. A model for each provider, and one that is called at all three, where what is slow is
// called a second time.
#include <gtest/gtest.h>
#include <llmq/llmq.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "integration/program.h"

namespace llmq::test {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

#if defined(__SANITIZE_ADDRESS__)
constexpr seconds kLength(60);
#else
constexpr seconds kLength(8);
#endif

constexpr size_t kProviders = 3;
constexpr size_t kModels = kProviders + 1;
constexpr size_t kMostRequests = 2'000'000;
constexpr int64_t kMostLive = 150;
constexpr int64_t kMs = 1'000'000;

Arguments faults(uint64_t seed) {
  return {"--fail-server",
          "0.1",
          "--fail-reset",
          "0.02",
          "--fail-hang",
          "0.01",
          "--fail-stream-cut",
          "0.02",
          "--latency",
          "1ms..20ms",
          "--output-tokens",
          "8..40",
          "--seed",
          std::to_string(seed)};
}

std::string name_of(size_t provider) { return "m" + std::to_string(provider); }

std::string model_json(size_t number, const std::string& deployments,
                       const std::string& more = "") {
  return R"({"name":")" + name_of(number) + R"(","timeout_ms":1000,"cache":{"ttl_s":1},)" + more +
         R"("limits":"requests=3000/1s;concurrency=16",)" +
         R"("retry":{"base_ms":5,"cap_ms":100,"max_attempts":6},"deployments":[)" + deployments +
         "]}";
}

// What became of each request, by its user_data.
struct Tally {
  std::unique_ptr<std::atomic<uint8_t>[]> ends { new std::atomic<uint8_t>[ kMostRequests ]() };
  std::atomic<size_t> accepted{0};
  std::atomic<int64_t> live{0};
  std::atomic<uint64_t> ended{0};
  std::atomic<uint64_t> answered{0};
  std::atomic<uint64_t> chunks{0};
  std::atomic<uint64_t> shared{0};
  std::atomic<uint64_t> cached{0};
  std::atomic<uint64_t> cancelled{0};
  std::atomic<uint64_t> expired{0};
  std::atomic<uint64_t> late_chunks{0};

  void see(const llmq_event_t& event) {
    std::atomic<uint8_t>& end = ends[event.user_data];
    if (event.type == LLMQ_EV_CHUNK) {
      ++chunks;
      if (end > 0) ++late_chunks;
      return;
    }
    ++end;
    if (event.status == LLMQ_OK) ++answered;
    if (event.status == LLMQ_ERR_CANCELLED) ++cancelled;
    if (event.status == LLMQ_ERR_DEADLINE) ++expired;
    if ((event.flags & LLMQ_EVENT_SHARED) != 0) ++shared;
    if ((event.flags & LLMQ_EVENT_CACHED) != 0) ++cached;
    ++ended;
    --live;
  }
};

void see_event(void* tally, const llmq_event_t* event) { static_cast<Tally*>(tally)->see(*event); }

class Chaos : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string models;
    std::string everywhere;
    for (size_t i = 0; i < kProviders; ++i) {
      mocks_[i] = std::make_unique<Mock>(directories_[i], faults(i + 1));
      const std::string url = R"("provider":"openai","base_url":")" + mocks_[i]->url() + R"("})";
      models += model_json(i, "{" + url) + ",";
      everywhere +=
          (i == 0 ? R"({"name":"d)" : R"(,{"name":"d)") + std::to_string(i) + R"(",)" + url;
    }
    models +=
        model_json(kProviders, everywhere, R"("hedge":{"enabled":true,"budget_percent":10},)");
    const std::string json = R"({"stream_buffer_bytes":16384,"models":[)" + models + "]}";
    llmq_conf_t* conf = nullptr;
    ASSERT_EQ(llmq_conf_create(&conf), LLMQ_OK);
    llmq_error_t* error = nullptr;
    ASSERT_EQ(llmq_conf_set_json(conf, json.data(), json.size(), &error), LLMQ_OK)
        << llmq_error_message(error);
    ASSERT_EQ(llmq_manager_create(conf, &manager_, &error), LLMQ_OK) << llmq_error_message(error);
    llmq_conf_free(conf);
    ASSERT_EQ(llmq_cq_create(&cq_), LLMQ_OK);
  }
  void TearDown() override {
    llmq_manager_destroy(manager_);
    llmq_cq_unref(cq_);
  }

  void submit_until(Clock::time_point end, uint64_t seed);
  bool submit_one(std::mt19937_64& random, llmq_request_id_t* id);
  void change_settings_until(Clock::time_point end) const;
  void drain();
  void kill_and_return(size_t provider, Clock::time_point dies, Clock::time_point returns);
  std::string info() const;
  [[maybe_unused]] double hedges() const;

  std::array<Directory, kProviders> directories_;
  std::array<std::unique_ptr<Mock>, kProviders> mocks_;
  llmq_manager_t* manager_ = nullptr;
  llmq_cq_t* cq_ = nullptr;
  Tally tally_;
  std::atomic<size_t> next_{0};
  std::atomic<bool> over_{false};
};

bool one_in(std::mt19937_64& random, uint64_t n) { return random() % n == 0; }

bool Chaos::submit_one(std::mt19937_64& random, llmq_request_id_t* id) {
  const size_t number = next_++;
  if (number >= kMostRequests) return false;
  const std::string model = name_of(random() % kModels);
  const std::string key = std::to_string(random() % 8);
  const bool shares = one_in(random, 3);
  const std::string body = R"({"model":")" + model +
                           R"(","max_tokens":40,"messages":[{"role":"user","content":")" +
                           (shares ? key : std::to_string(number)) + R"("}])" +
                           (one_in(random, 2) ? R"(,"stream":true})" : "}");
  static constexpr std::array<std::string_view, 3> kTenants = {"", "a", "b"};
  const std::string_view tenant = kTenants[random() % kTenants.size()];
  llmq_request_t request{};
  request.struct_size = sizeof request;
  request.model = model.data();
  request.model_len = model.size();
  request.payload = body.data();
  request.payload_len = body.size();
  request.tenant = tenant.data();
  request.tenant_len = tenant.size();
  request.priority = static_cast<int32_t>(random() % 5);
  request.user_data = number;
  if (shares) {
    request.dedup_key = key.data();
    request.dedup_key_len = key.size();
  }
  if (one_in(random, 2)) request.flags |= LLMQ_REQUEST_RESTART;
  if (one_in(random, 10)) request.flags |= LLMQ_REQUEST_KEEP;
  if (one_in(random, 8)) {
    request.deadline_ns = llmq_now_ns() + static_cast<int64_t>(random() % 400) * kMs;
  }
  if (one_in(random, 4)) {
    request.done_fn = see_event;
    request.done_user = &tally_;
  } else {
    request.cq = cq_;
  }
  ++tally_.live;
  if (llmq_submit(manager_, &request, id) != LLMQ_OK) {
    --tally_.live;
    return false;
  }
  ++tally_.accepted;
  return true;
}

void Chaos::submit_until(Clock::time_point end, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::array<llmq_request_id_t, 64> recent{};
  size_t submitted = 0;
  while (Clock::now() < end) {
    if (tally_.live.load() >= kMostLive) {
      std::this_thread::sleep_for(
          milliseconds(1));  // the pace of a caller, not a wait for something
      continue;
    }
    llmq_request_id_t id = 0;
    if (!submit_one(random, &id)) return;
    recent[submitted++ % recent.size()] = id;
    if (one_in(random, 6)) {
      const llmq_request_id_t one = recent[random() % std::min(submitted, recent.size())];
      static_cast<void>(llmq_cancel(manager_, one));  // it may have ended
    }
  }
}

void Chaos::change_settings_until(Clock::time_point end) const {
  static constexpr std::array<std::array<const char*, 2>, 8> kChanges = {{
      {"limits", "requests=3000/1s;concurrency=4"},
      {"limits", "requests=200/1s;concurrency=24"},
      {"limits", "requests=3000/1s;concurrency=16"},
      {"cache.ttl_s", "0"},
      {"cache.ttl_s", "1"},
      {"timeout_ms", "400"},
      {"timeout_ms", "1000"},
      {"retry.cap_ms", "50"},
  }};
  std::mt19937_64 random(7);
  while (Clock::now() < end) {
    const auto& change = kChanges[random() % kChanges.size()];
    const std::string key = "model." + name_of(random() % kModels) + "." + change[0];
    llmq_error_t* error = nullptr;
    EXPECT_EQ(llmq_manager_set(manager_, key.c_str(), change[1], &error), LLMQ_OK)
        << llmq_error_message(error);
    llmq_error_free(error);
    std::this_thread::sleep_for(milliseconds(20));  // the pace of the changes
  }
}

// Now and then it is slow.
void Chaos::drain() {
  std::mt19937_64 random(9);
  std::array<llmq_event_t, 64> events{};
  while (!over_) {
    static_cast<void>(llmq_cq_wait(cq_, 20 * kMs));
    events[0].stride = sizeof events[0];
    const size_t n = llmq_cq_drain(cq_, events.data(), events.size());
    for (size_t i = 0; i < n; ++i) tally_.see(events[i]);
    if (one_in(random, 50)) std::this_thread::sleep_for(milliseconds(30));  // what a slow reader is
    llmq_events_release(events.data(), sizeof events[0], n);
  }
}

void Chaos::kill_and_return(size_t provider, Clock::time_point dies, Clock::time_point returns) {
  const std::string url = mocks_[provider]->url();
  const size_t colon = url.rfind(':');
  Arguments again = faults(99);
  again.insert(again.end(), {"--port", url.substr(colon + 1, url.rfind('/') - colon - 1)});
  std::this_thread::sleep_until(dies);
  mocks_[provider].reset();
  std::this_thread::sleep_until(returns);
  mocks_[provider] = std::make_unique<Mock>(directories_[provider], again);
}

std::string Chaos::info() const {
  char* json = nullptr;
  EXPECT_EQ(llmq_manager_info_json(manager_, nullptr, 0, &json, nullptr), LLMQ_OK);
  std::string text = json == nullptr ? "" : json;
  llmq_buf_free(json);
  return text;
}

double Chaos::hedges() const {
  char* json = nullptr;
  EXPECT_EQ(llmq_stats_json(manager_, &json, nullptr), LLMQ_OK);
  const base::Json stats(json == nullptr ? nullptr : cJSON_Parse(json));
  llmq_buf_free(json);
  return number(stats, "hedges");
}

// Of all limits: what is used, what is reserved.
struct Held {
  double used = 0;
  double reserved = 0;
  double waiting = 0;
};

Held held_in(const std::string& info) {
  Held held;
  const base::Json json(cJSON_Parse(info.c_str()));
  held.waiting += number(json, "live");
  const cJSON* model = nullptr;
  cJSON_ArrayForEach(model, cJSON_GetObjectItemCaseSensitive(json.get(), "models")) {
    const auto value = [](const cJSON* object, const char* name) {
      const cJSON* item = cJSON_GetObjectItemCaseSensitive(object, name);
      EXPECT_TRUE(cJSON_IsNumber(item)) << name;
      return cJSON_IsNumber(item) ? item->valuedouble : -1;
    };
    held.waiting += value(model, "pending") + value(model, "processing");
    const cJSON* limit = nullptr;
    cJSON_ArrayForEach(limit, cJSON_GetObjectItemCaseSensitive(model, "limits")) {
      held.used += value(limit, "used");
      held.reserved += value(limit, "reserved");
    }
  }
  return held;
}

TEST_F(Chaos, EveryRequestEndsOnceAndNothingIsHeldAtTheEnd) {
  const Clock::time_point begin = Clock::now();
  const Clock::time_point end = begin + kLength;
  std::vector<std::thread> threads;
  threads.emplace_back([this] { drain(); });
  threads.emplace_back([this, end] { change_settings_until(end); });
  threads.emplace_back(
      [this, begin] { kill_and_return(2, begin + kLength / 3, begin + kLength / 2); });
  for (const uint64_t seed : {uint64_t{1}, uint64_t{2}}) {
    threads.emplace_back([this, end, seed] { submit_until(end, seed); });
  }
  for (size_t i = 1; i < threads.size(); ++i) threads[i].join();

  // Every request ends by itself: attempts time out, and none has more than six.
  const Clock::time_point patience = Clock::now() + seconds(120);
  while (tally_.ended < tally_.accepted && Clock::now() < patience) {
    std::this_thread::sleep_for(milliseconds(5));
  }
  EXPECT_EQ(tally_.ended, tally_.accepted);
  Held held = held_in(info());
  EXPECT_EQ(held.waiting, 0) << info();
  EXPECT_EQ(held.reserved, 0) << info();
  while (held.used > 0 && Clock::now() < patience) {  // a window of a second after the last call
    std::this_thread::sleep_for(milliseconds(50));
    held = held_in(info());
  }
  EXPECT_EQ(held.used, 0) << info();
  over_ = true;
  threads[0].join();

  const size_t submitted = std::min(next_.load(), kMostRequests);
  size_t twice = 0;
  for (size_t i = 0; i < submitted; ++i) twice += tally_.ends[i] > 1 ? 1 : 0;
  EXPECT_EQ(twice, 0u) << "terminal events";
  EXPECT_EQ(tally_.late_chunks, 0u) << "chunks after the end";
  llmq_stats_t stats{};
  stats.struct_size = sizeof stats;
  ASSERT_EQ(llmq_stats(manager_, nullptr, 0, &stats), LLMQ_OK);
  EXPECT_EQ(stats.submitted, tally_.accepted);
  EXPECT_EQ(stats.completed + stats.failed + stats.cancelled + stats.expired, stats.submitted);
  EXPECT_EQ(stats.pending + stats.processing + stats.pending_bytes, 0u);
  // It has been chaos: everything that could happen did.
  EXPECT_GT(tally_.answered, 100u);
  EXPECT_GT(tally_.chunks, 100u);
  EXPECT_GT(tally_.shared, 0u);
  EXPECT_GT(tally_.cached, 0u);
  EXPECT_GT(tally_.cancelled, 0u);
  EXPECT_GT(tally_.expired, 0u);
  EXPECT_GT(stats.retries, 0u);
#if defined(__SANITIZE_ADDRESS__)  // long enough to know the first outputs of each place
  EXPECT_GT(hedges(), 0);
#endif
  const base::Json mock = mocks_[0]->stop();
  EXPECT_GT(number(mock, "resets"), 0);
  EXPECT_GT(number(mock, "hangs"), 0);
  EXPECT_GT(number(mock, "broken_streams"), 0);
  printf("%zu requests, %llu attempts, %llu answered, %llu shared, %llu cached\n",
         tally_.accepted.load(), static_cast<unsigned long long>(stats.attempts),
         static_cast<unsigned long long>(tally_.answered),
         static_cast<unsigned long long>(tally_.shared),
         static_cast<unsigned long long>(tally_.cached));
}

}  // namespace
}  // namespace llmq::test
