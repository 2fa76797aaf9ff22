// Responses that are handed over while they come: over HTTP, and from processors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <llmq/llmq.hpp>

#include <atomic>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/http/scripted_server.h"

namespace {

using llmq::http::Connection;
using llmq::http::ScriptedServer;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";

std::string event(const std::string& json) { return "data: " + json + "\n\n"; }

std::string delta(const std::string& text) {
  return R"({"id":"c1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":")" +
         text + R"("},"finish_reason":null}]})";
}

const std::string kRole =
    R"({"id":"c1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant"},"finish_reason":null}]})";
const std::string kStop =
    R"({"id":"c1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})";
const std::string kUsage =
    R"({"id":"c1","object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7,"completion_tokens_details":{"reasoning_tokens":1}}})";
const std::string kError = R"({"error":{"message":"it broke","type":"server_error"}})";

std::string whole_stream() {
  return kHead + event(kRole) + event(delta("Hel")) + event(delta("lo")) + event(kStop) +
         event(kUsage) + event("[DONE]");
}

llmq::conf conf_for(const ScriptedServer& server) {
  llmq::conf conf;
  conf.set("model.m.provider", "openai").set("model.m.base_url", "http://" + server.authority());
  conf.set("model.m.retry.base_ms", "1").set("model.m.retry.cap_ms", "1");
  conf.set("model.m.limits", "concurrency=8");
  conf.set("stream_buffer_bytes", "65536");
  return conf;
}

// How one request went.
struct Seen {
  std::vector<std::string> chunks;
  llmq::response response;
};

Seen run(llmq::manager& manager, const std::string& payload = R"({"messages":[]})") {
  Seen seen;
  std::promise<void> done;
  manager.submit_stream(
      llmq::request{"m", payload},
      [&seen](std::string_view chunk) { seen.chunks.emplace_back(chunk); },
      [&](llmq::response response) {
        seen.response = std::move(response);
        done.set_value();
      });
  done.get_future().wait();
  return seen;
}

TEST(Stream, HandsOverEventsAndThenTheWholeAnswer) {
  std::promise<std::string> request;
  ScriptedServer server([&](Connection& connection) {
    request.set_value(connection.read_request().value_or(""));
    for (const char byte : whole_stream()) connection.write({&byte, 1});
  });
  llmq::manager manager(conf_for(server));
  const Seen seen = run(manager, R"({"messages":[],"seed":9223372036854775807})");
  EXPECT_THAT(request.get_future().get(),
              HasSubstr(R"({"stream":true,"stream_options":{"include_usage":true},)"
                        R"("model":"m","messages":[],"seed":9223372036854775807})"));
  EXPECT_THAT(seen.chunks, ElementsAre(kRole, delta("Hel"), delta("lo"), kStop, kUsage));
  ASSERT_TRUE(seen.response.ok()) << seen.response.error_message();
  EXPECT_THAT(std::string(seen.response.data()), HasSubstr(R"("content":"Hello")"));
  ASSERT_TRUE(seen.response.usage().has_value());
  EXPECT_EQ(seen.response.usage()->input_tokens, 5);
  EXPECT_EQ(seen.response.usage()->output_tokens, 2);
  EXPECT_EQ(seen.response.usage()->reasoning_tokens, 1);
  EXPECT_GT(seen.response.first_output().count(), 0);
  EXPECT_EQ(seen.response.http_status(), 200);
}

TEST(Stream, ABodyMayAskForItToo) {
  ScriptedServer server([](Connection& connection) {
    connection.read_request();
    connection.write(whole_stream());
  });
  llmq::manager manager(conf_for(server));
  const llmq::response response =
      manager.submit(llmq::request{"m", R"({"messages":[],"stream":true})"}).get();
  ASSERT_TRUE(response.ok()) << response.error_message();
  EXPECT_THAT(std::string(response.data()), HasSubstr(R"("content":"Hello")"));
}

TEST(Stream, AnErrorBeforeTheFirstOutputIsRetriedUnseen) {
  ScriptedServer server([](Connection& connection) {
    connection.read_request();
    connection.write(connection.number() == 0 ? kHead + event(kRole) + event(kError)
                                              : whole_stream());
  });
  llmq::manager manager(conf_for(server));
  const Seen seen = run(manager);
  EXPECT_TRUE(seen.response.ok()) << seen.response.error_message();
  EXPECT_EQ(seen.response.attempts(), 2U);
  EXPECT_EQ(seen.chunks.size(), 5U);
}

TEST(Stream, AnErrorAfterOutputIsTheEnd) {
  ScriptedServer server([](Connection& connection) {
    connection.read_request();
    connection.write(kHead + event(kRole) + event(delta("Hel")) + event(kError) + event("[DONE]"));
  });
  llmq::manager manager(conf_for(server));
  const Seen seen = run(manager);
  EXPECT_EQ(seen.response.status(), LLMQ_ERR_SERVER);
  EXPECT_THAT(std::string(seen.response.error_message()), HasSubstr("it broke"));
  EXPECT_EQ(seen.response.attempts(), 1U);
  EXPECT_THAT(seen.chunks, ElementsAre(kRole, delta("Hel")));
}

// Without an end marker and without a length, only the events tell that something is missing.
TEST(Stream, ACutStreamIsAFailure) {
  ScriptedServer server([](Connection& connection) {
    connection.read_request();
    connection.write(kHead + event(kRole) + event(delta("Hel")));
  });
  llmq::manager manager(conf_for(server));
  const Seen seen = run(manager);
  EXPECT_EQ(seen.response.status(), LLMQ_ERR_TRANSPORT);
  EXPECT_EQ(seen.response.attempts(), 1U);
  EXPECT_THAT(seen.chunks, ElementsAre(kRole, delta("Hel")));
}

TEST(Stream, BeginsAnewIfItMay) {
  ScriptedServer server([](Connection& connection) {
    connection.read_request();
    connection.write(connection.number() == 0 ? kHead + event(kRole) + event(delta("Hel"))
                                              : whole_stream());
  });
  llmq::manager manager(conf_for(server));
  llmq::completion_queue queue;
  llmq::request request{"m", R"({"messages":[]})"};
  request.stream = request.restart = true;
  manager.submit(request, queue);
  std::vector<uint32_t> attempts;
  llmq_event_t event{};
  while (event.type != LLMQ_EV_DONE) {
    ASSERT_EQ(llmq_cq_wait(queue.handle(), -1), LLMQ_OK);
    event.stride = sizeof event;
    if (llmq_cq_drain(queue.handle(), &event, 1) == 0) continue;
    attempts.push_back(event.attempt);
    llmq_events_release(&event, sizeof event, 1);
  }
  EXPECT_EQ(event.status, LLMQ_OK);
  EXPECT_THAT(attempts, ElementsAre(1, 1, 2, 2, 2, 2, 2, 2));
}

TEST(Stream, ARefusalIsRetriedAsEver) {
  ScriptedServer server([](Connection& connection) {
    connection.read_request();
    connection.write(
        connection.number() == 0
            ? llmq::http::answer(R"({"error":{"message":"busy"}})", "503 Busy\r\nConnection: close")
            : whole_stream());
  });
  llmq::manager manager(conf_for(server));
  const Seen seen = run(manager);
  EXPECT_TRUE(seen.response.ok()) << seen.response.error_message();
  EXPECT_EQ(seen.response.attempts(), 2U);
}

TEST(Stream, CancelClosesTheConnectionAtOnce) {
  std::promise<void> closed;
  ScriptedServer server([&](Connection& connection) {
    connection.read_request();
    connection.write(kHead + event(kRole) + event(delta("Hel")));
    connection.wait_for_end();
    closed.set_value();
  });
  llmq::manager manager(conf_for(server));
  std::promise<void> begun;
  std::promise<llmq::status> status;
  std::atomic<bool> first{true};
  const llmq::request_id id = manager.submit_stream(
      llmq::request{"m", R"({"messages":[]})"},
      [&](std::string_view) {
        if (first.exchange(false)) begun.set_value();
      },
      [&](const llmq::response& response) { status.set_value(response.status()); });
  begun.get_future().wait();
  EXPECT_TRUE(manager.cancel(id));
  EXPECT_EQ(status.get_future().get(), LLMQ_ERR_CANCELLED);
  closed.get_future().wait();
}

// A caller that takes nothing stops the provider: no more than the bound, and what sockets hold,
// leaves it.
TEST(Stream, ASlowReaderStopsTheProvider) {
  constexpr int kEvents = 2000;
  const std::string large = event(delta(std::string(32'768, 'x')));  // 64 MiB in all
  std::atomic<int> written{0};
  ScriptedServer server([&](Connection& connection) {
    connection.read_request();
    connection.write(kHead);
    for (; written < kEvents; ++written) connection.write(large);
    connection.write(event(kStop) + event("[DONE]"));
  });
  llmq::manager manager(conf_for(server));
  llmq::completion_queue queue;
  llmq::request request{"m", R"({"messages":[]})"};
  request.stream = true;
  manager.submit(request, queue);
  int chunks = 0;
  size_t most_held = 0;
  bool done = false;
  while (!done) {
    ASSERT_TRUE(llmq_cq_wait(queue.handle(), -1) == LLMQ_OK);
    std::vector<llmq_event_t> events(64);
    events[0].stride = sizeof(llmq_event_t);
    const size_t n = llmq_cq_drain(queue.handle(), events.data(), events.size());
    size_t held = 0;
    for (size_t i = 0; i < n; ++i) {
      if (events[i].type == LLMQ_EV_CHUNK) {
        ++chunks;
        held += events[i].data_len;
      } else {
        done = true;
        EXPECT_EQ(events[i].status, LLMQ_OK);
      }
    }
    most_held = std::max(most_held, held);
    if (chunks < 10) {
      EXPECT_LT(written, kEvents);
    }
    llmq_events_release(events.data(), sizeof(llmq_event_t), n);
  }
  EXPECT_EQ(chunks, kEvents + 1);
  EXPECT_LE(most_held, 65'536U + 100U * 1024 + large.size());
}

TEST(Stream, AnAnswerThatIsNoStreamComesAsOnePiece) {
  const std::string body =
      R"({"choices":[{"message":{"role":"assistant","content":"Hello"}}],"usage":{"prompt_tokens":1,"completion_tokens":2}})";
  ScriptedServer server([&](Connection& connection) {
    connection.read_request();
    connection.write(llmq::http::answer(body));
  });
  llmq::manager manager(conf_for(server));
  const Seen seen = run(manager);
  ASSERT_TRUE(seen.response.ok()) << seen.response.error_message();
  EXPECT_EQ(seen.response.data(), body);
  EXPECT_THAT(seen.chunks, ElementsAre(body));
}

TEST(Stream, ASilentProviderIsATimeout) {
  ScriptedServer server([](Connection& connection) {
    connection.read_request();
    connection.write(kHead + event(kRole) + event(delta("Hel")));
    connection.wait_for_end();
  });
  llmq::conf conf = conf_for(server);
  conf.set("model.m.stream_idle_timeout_ms", "50");
  llmq::manager manager(conf);
  const Seen seen = run(manager);
  EXPECT_EQ(seen.response.status(), LLMQ_ERR_TIMEOUT);
  EXPECT_EQ(seen.response.attempts(), 1U);
}

TEST(Stream, ProcessorsHandOverPieces) {
  llmq::conf conf;
  conf.set("model.m.limits", "concurrency=1");
  llmq::manager manager(conf);
  manager.set_processor("m", [](llmq::attempt attempt) {
    EXPECT_TRUE(attempt.chunk("a"));
    EXPECT_TRUE(attempt.chunk("b"));
    EXPECT_TRUE(attempt.succeed("ab"));
  });
  const Seen seen = run(manager);
  EXPECT_THAT(seen.chunks, ElementsAre("a", "b"));
  EXPECT_EQ(seen.response.text(), "ab");
}

TEST(Stream, EmbeddingsComeWhole) {
  ScriptedServer server([](Connection&) {});
  llmq::conf conf = conf_for(server);
  conf.set("model.mock.provider", "mock");
  llmq::manager manager(conf);
  for (const char* const model : {"m", "mock"}) {
    llmq::request request{model, R"({"input":"x"})"};
    request.stream = true;
    request.operation = llmq::operation::embeddings;
    EXPECT_THROW((void)manager.submit(request), llmq::error);
  }
}

// ---- provider mock

llmq::conf mock_conf() {
  llmq::conf conf;
  conf.set("model.m.provider", "mock").set("model.m.mock.latency_ms", "0");
  conf.set("model.m.mock.tokens_per_s", "0").set("model.m.limits", "concurrency=8");
  conf.set("model.m.retry.base_ms", "1").set("model.m.retry.cap_ms", "1");
  return conf;
}

TEST(MockStream, BringsItsWordsOneByOne) {
  llmq::manager manager(mock_conf());
  const Seen seen = run(manager, R"({"messages":[],"n":2,"max_tokens":40})");
  ASSERT_TRUE(seen.response.ok()) << seen.response.error_message();
  ASSERT_TRUE(seen.response.usage().has_value());
  const auto tokens = static_cast<size_t>(seen.response.usage()->output_tokens);
  EXPECT_GE(tokens, 2U);
  // A role and an end for each of two choices, and the usage.
  EXPECT_EQ(seen.chunks.size(), tokens + 5);
  EXPECT_THAT(seen.chunks.front(), HasSubstr(R"("role":"assistant")"));
  EXPECT_THAT(seen.chunks.back(), HasSubstr(R"("completion_tokens":)" + std::to_string(tokens)));
  EXPECT_THAT(std::string(seen.response.data()), HasSubstr(R"("finish_reason":"stop")"));
  EXPECT_THAT(std::string(seen.response.provider_request_id()), HasSubstr("req-mock-"));
}

TEST(MockStream, IsTheSameAnswerAsWithoutStreaming) {
  const std::string payload = R"({"messages":[],"max_tokens":40})";
  llmq::manager streaming(mock_conf());
  llmq::manager whole(mock_conf());
  const Seen seen = run(streaming, payload);
  const llmq::response other = whole.submit(llmq::request{"m", payload}).get();
  const auto content_of = [](const llmq::response& response) {
    const std::string text(response.data());
    const size_t at = text.find(R"("content":")");
    return text.substr(at, text.find('}', at) - at);
  };
  EXPECT_EQ(content_of(seen.response), content_of(other));
  EXPECT_EQ(seen.response.usage()->output_tokens, other.usage()->output_tokens);
}

TEST(MockStream, ThatBreaksOffIsTriedAgainOnlyIfNothingWasSeen) {
  llmq::conf conf = mock_conf();
  conf.set("model.m.mock.fail_cut", "0.5").set("model.m.retry.max_attempts", "60");
  conf.set("model.m.breaker.enabled", "false");  // half of all calls fail
  llmq::manager manager(conf);
  int cut_unseen = 0;
  int cut_seen = 0;
  for (int i = 0; i < 200; ++i) {
    const Seen seen = run(manager, R"({"messages":[],"max_tokens":3})");
    if (seen.response.ok()) {
      cut_unseen += seen.response.attempts() > 1 ? 1 : 0;
      continue;
    }
    ++cut_seen;
    EXPECT_FALSE(seen.chunks.empty());
    EXPECT_EQ(seen.response.status(), LLMQ_ERR_TRANSPORT);
  }
  EXPECT_GT(cut_unseen, 5);
  EXPECT_GT(cut_seen, 20);
}

TEST(MockStream, WaitsForASlowReader) {
  llmq::conf conf = mock_conf();
  conf.set("stream_buffer_bytes", "1024");
  llmq::manager manager(conf);
  llmq::completion_queue queue;
  llmq::request request{"m", R"({"messages":[],"max_tokens":60,"n":8})"};
  request.stream = true;
  manager.submit(request, queue);
  int chunks = 0;
  for (bool done = false; !done;) {
    ASSERT_EQ(llmq_cq_wait(queue.handle(), -1), LLMQ_OK);
    llmq_event_t event{};
    event.stride = sizeof event;
    if (llmq_cq_drain(queue.handle(), &event, 1) == 0) continue;
    chunks += event.type == LLMQ_EV_CHUNK ? 1 : 0;
    done = event.type == LLMQ_EV_DONE;
    EXPECT_EQ(event.status, LLMQ_OK);
    llmq_events_release(&event, sizeof event, 1);
  }
  EXPECT_GT(chunks, 20);
}

TEST(MockStream, IsCancelledAtOnce) {
  llmq::conf conf = mock_conf();
  conf.set("model.m.mock.tokens_per_s", "4");
  llmq::manager manager(conf);
  std::promise<void> begun;
  std::promise<llmq::response> done;
  bool first = true;
  const llmq::request_id id = manager.submit_stream(
      llmq::request{"m", R"({"messages":[],"max_tokens":60})"},
      [&](std::string_view) {
        if (std::exchange(first, false)) begun.set_value();
      },
      [&](llmq::response response) { done.set_value(std::move(response)); });
  begun.get_future().wait();
  manager.cancel(id);
  EXPECT_EQ(done.get_future().get().status(), LLMQ_ERR_CANCELLED);
}

}  // namespace
