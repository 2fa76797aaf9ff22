// `llmq mock` as a program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integration/program.h"

namespace llmq::test {
namespace {

using ::testing::HasSubstr;

TEST(MockCommand, RefusesWhatItCannotServe) {
  const Directory dir;
  const struct {
    Arguments arguments;
    const char* says;
  } kBad[] = {
      {{"mock", "--limit", "requests=0/6s"}, "requests=0/6s"},
      {{"mock", "--limit", "requests=5/6s,shape=round"}, "round"},
      {{"mock", "--charge", "never"}, "never"},
      {{"mock", "--hints", "loud"}, "loud"},
      {{"mock", "--latency", "fast"}, "fast"},
      {{"mock", "--headers", "maybe"}, "maybe"},
      {{"mock", "--port", "70000"}, "70000"},
      {{"mock", "--output-tokens", "9..3"}, "9..3"},
      {{"mock", "--fail-server", "2"}, "from 0 to 1"},
  };
  for (const auto& bad : kBad) {
    Program mock(dir, bad.arguments);
    EXPECT_EQ(mock.wait(), 1);
    EXPECT_THAT(mock.err(), HasSubstr(bad.says));
  }
}

TEST(MockCommand, SaysWhenItsPortIsTaken) {
  const Directory dir;
  Mock first(dir);
  const std::string& url = first.url();
  const size_t colon = url.rfind(':');
  Program second(dir, {"mock", "--port", url.substr(colon + 1, url.size() - colon - 4)});
  EXPECT_EQ(second.wait(), 1);
  EXPECT_THAT(second.err(), HasSubstr("in use"));
}

}  // namespace
}  // namespace llmq::test
