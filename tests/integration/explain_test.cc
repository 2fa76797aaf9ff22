// `llmq explain`: what the program makes of recorded answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include "integration/program.h"

namespace llmq::test {
namespace {

using ::testing::HasSubstr;

constexpr const char* kVectors = LLMQ_SOURCE_DIR "/../shared/vectors/provider_responses.json";

TEST(Explain, ReadsLinesOfAFileAndOfStdin) {
  const Directory dir;
  const std::string lines =
      "{\"status\":503,\"headers\":{\"retry-after\":\"1.5\"},\"body\":\"\"}\n\n"
      "{\"provider\":\"anthropic\",\"status\":529,\"body\":{}}\n";
  const std::string path = dir.write("in.jsonl", lines);
  Program from_file(dir, {"explain", "--provider", "openai", path});
  ASSERT_EQ(from_file.wait(), 0) << from_file.err();
  EXPECT_THAT(from_file.out(), HasSubstr("\"retry_after_ms\":1500,\"hint_source\":\"header\""));
  EXPECT_THAT(from_file.out(), HasSubstr("\"error_class\":\"overloaded\""));
  Program from_stdin(dir, {"explain", "--provider", "openai"}, {}, lines);
  ASSERT_EQ(from_stdin.wait(), 0) << from_stdin.err();
  EXPECT_EQ(from_stdin.out(), from_file.out());
}

TEST(Explain, NamesWhatIsWrongWithALineAndGoesOn) {
  const Directory dir;
  Program explain(dir, {"explain", "--provider", "openai"}, {},
                  "{\"status\":200,\"body\":{}}\n{\"status\":\n{\"status\":\"x\"}\n"
                  "{\"provider\":\"nobody\",\"status\":200}\n{\"status\":500}\n");
  EXPECT_EQ(explain.wait(), 2);
  std::istringstream out(explain.out());
  std::string line;
  std::getline(out, line);
  EXPECT_THAT(line, HasSubstr("\"retryable\":false"));
  std::getline(out, line);
  EXPECT_THAT(line, HasSubstr("{\"line\":2,\"error\":{\"code\":\"LLMQ_ERR_INVALID_VALUE\","
                              "\"key\":\"line\",\"message\":\"not JSON at"));
  std::getline(out, line);
  EXPECT_THAT(
      line, HasSubstr("{\"line\":3,\"error\":{\"code\":\"LLMQ_ERR_INVALID_VALUE\","
                      "\"key\":\"status\",\"message\":\"status is a string, must be a number\"}}"));
  std::getline(out, line);
  EXPECT_THAT(line, HasSubstr("unknown provider \\\"nobody\\\""));
  std::getline(out, line);
  EXPECT_THAT(line, HasSubstr("\"retryable\":true"));
}

TEST(Explain, SaysWhichFileIsMissing) {
  const Directory dir;
  Program explain(dir, {"explain", "--provider", "openai", dir.path("none")});
  EXPECT_EQ(explain.wait(), 1);
  EXPECT_THAT(explain.err(), HasSubstr("none: No such file"));
}

// The recordings, fed as they are.
TEST(Explain, TellsWhatIsExpectedOfTheRecordings) {
  std::ifstream file(kVectors, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const base::Json vectors(cJSON_ParseWithLength(text.data(), text.size()));
  if (vectors == nullptr) GTEST_SKIP() << "optional data: no recordings beside this checkout";
  std::string lines;
  const cJSON* vector = nullptr;
  cJSON_ArrayForEach(vector, vectors.get()) lines += base::json_text(vector) + "\n";
  const Directory dir;
  Program explain(dir, {"explain", "--provider", "openai"}, {}, lines);
  ASSERT_EQ(explain.wait(), 0) << explain.err();
  std::istringstream out(explain.out());
  cJSON_ArrayForEach(vector, vectors.get()) {
    SCOPED_TRACE(cJSON_GetObjectItem(vector, "id")->valuestring);
    std::string line;
    ASSERT_TRUE(std::getline(out, line));
    const base::Json told(cJSON_Parse(line.c_str()));
    const cJSON* const expect = cJSON_GetObjectItem(vector, "expect");
    for (const char* name : {"retryable", "retry_after_ms", "hint_source", "limits", "usage"}) {
      EXPECT_TRUE(cJSON_Compare(cJSON_GetObjectItem(told.get(), name),
                                cJSON_GetObjectItem(expect, name), 1) != 0)
          << name << ": " << line;
    }
  }
}

}  // namespace
}  // namespace llmq::test
