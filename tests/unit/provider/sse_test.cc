#include "provider/sse.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace llmq::provider {
namespace {

std::vector<std::string> shown(const std::vector<SseEvent>& events) {
  std::vector<std::string> all;
  for (const SseEvent& event : events) all.push_back(event.name + "|" + event.data);
  return all;
}

// Cut into portions of `portion` bytes.
std::vector<std::string> read(std::string_view text, size_t portion) {
  SseReader reader;
  std::vector<SseEvent> events;
  for (size_t at = 0; at < text.size(); at += portion) {
    reader.feed(text.substr(at, portion), events);
  }
  reader.finish(events);
  return shown(events);
}

void expect_events(std::string_view text, const std::vector<std::string>& expected) {
  for (const size_t portion : {size_t{1}, size_t{2}, size_t{3}, size_t{7}, size_t{100'000}}) {
    EXPECT_EQ(read(text, portion), expected) << text << " in portions of " << portion;
  }
}

TEST(Sse, CutsEvents) {
  expect_events("data: 1\n\ndata: 2\n\n", {"|1", "|2"});
  expect_events("event: a\ndata: 1\n\nevent: b\ndata: 2\n\n", {"a|1", "b|2"});
}

TEST(Sse, KnowsEveryLineEnd) {
  expect_events("data: 1\r\n\r\ndata: 2\r\n\r\n", {"|1", "|2"});
  expect_events("data: 1\r\rdata: 2\r\r", {"|1", "|2"});
  expect_events("data: 1\r\n\ndata: 2\n\r\n", {"|1", "|2"});
}

TEST(Sse, NeedsNoBlankBehindTheColonAndDropsOneAtMost) {
  expect_events("data:1\n\ndata:  2\n\n", {"|1", "| 2"});
}

TEST(Sse, SkipsCommentsOtherFieldsAndEventsWithoutData) {
  expect_events(": keep-alive\n\n: OPENROUTER PROCESSING\n\nid: 7\nretry: 9\nfoo\ndata: 1\n\n",
                {"|1"});
  expect_events("event: ping\n\ndata: 1\n\ndata:\n\ndata\n\n\n\n", {"|1"});
}

TEST(Sse, JoinsDataLines) { expect_events("data: {\ndata: }\n\n", {"|{\n}"}); }

TEST(Sse, TakesFieldsInAnyOrder) {
  expect_events("data: 1\nevent: a\n\ndata: 2\n\n", {"a|1", "|2"});
}

TEST(Sse, EndsTheLastEventWithTheBytes) {
  expect_events("data: 1\n\ndata: 2\n", {"|1", "|2"});
  expect_events("data: 1\n\nevent: z\ndata: 2", {"|1", "z|2"});
  expect_events("", {});
}

TEST(Sse, SkipsAByteOrderMarkAtTheStart) {
  expect_events(
      "\xEF\xBB\xBF"
      "data: 1\n\n",
      {"|1"});
  expect_events(
      "data: \xEF\xBB\xBF"
      "1\n\n",
      {"|\xEF\xBB\xBF"
       "1"});
}

TEST(Sse, BoundsALine) {
  SseReader reader;
  std::vector<SseEvent> events;
  const std::string megabyte(size_t{1} << 20, 'x');
  reader.feed("data: 1\n\ndata: ", events);
  for (int i = 0; i < 20; ++i) reader.feed(megabyte, events);
  EXPECT_TRUE(reader.too_large());
  reader.feed("\n\ndata: 2\n\n", events);
  reader.finish(events);
  EXPECT_EQ(shown(events), std::vector<std::string>{"|1"});
}

TEST(Sse, BoundsAnEventOfManyLines) {
  SseReader reader;
  std::vector<SseEvent> events;
  const std::string line = "data: " + std::string(size_t{1} << 20, 'x') + "\n";
  for (int i = 0; i < 15; ++i) reader.feed(line, events);
  EXPECT_FALSE(reader.too_large());
  reader.feed(line, events);
  EXPECT_TRUE(reader.too_large());
  reader.finish(events);
  EXPECT_TRUE(events.empty());
}

TEST(JsonLines, AreCutAtLineEnds) {
  for (const size_t portion : {size_t{1}, size_t{4}, size_t{1000}}) {
    const std::string_view text = "{\"a\":1}\n\r\n  {\"b\":2} \r\n{\"c\":3}";
    LineReader reader;
    std::vector<SseEvent> events;
    for (size_t at = 0; at < text.size(); at += portion) {
      reader.feed(text.substr(at, portion), events);
    }
    reader.finish(events);
    EXPECT_EQ(shown(events), (std::vector<std::string>{"|{\"a\":1}", "|{\"b\":2}", "|{\"c\":3}"}));
  }
}

}  // namespace
}  // namespace llmq::provider
