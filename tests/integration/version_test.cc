// llmq --version: what a report of a mistake, and the bill of materials of a release, are made
// from.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <llmq/llmq.h>

#include <string>
#include <vector>

#include "integration/program.h"

namespace llmq::test {
namespace {

using ::testing::MatchesRegex;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    if (end == std::string::npos) return {text.substr(begin)};  // one without an end is not ours
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

TEST(Version, TellsAbiFeaturesLibrariesAndThoseOfTheProgram) {
  const Directory dir;
  Program program(dir, {"--version"});
  ASSERT_EQ(program.wait(), 0) << program.err();
  const std::vector<std::string> lines = lines_of(program.out());
  ASSERT_EQ(lines.size(), 5U) << program.out();
  EXPECT_EQ(lines[0], std::string("llmq ") + llmq_version_string());
  EXPECT_EQ(lines[1], "ABI " + std::to_string(llmq_abi_version()));
  const std::string calendar = (llmq_features() & LLMQ_FEATURE_CALENDAR) != 0 ? " calendar" : "";
  EXPECT_EQ(lines[2], "features http" + calendar + " mock");
  EXPECT_EQ(lines[3], std::string("libraries ") + llmq_version_libraries());
  EXPECT_THAT(lines[4],
              MatchesRegex("program CLI11/[0-9]+\\.[0-9.]+ libmicrohttpd/[0-9]+\\.[0-9.]+"));
}

TEST(Version, NamesWhatIsCompiledInBeforeLibcurlWhichTellsWhatItIsMadeOf) {
  const std::string libraries = llmq_version_libraries();
  const std::string number = "/[0-9]+\\.[0-9.]+";
  EXPECT_THAT(libraries, MatchesRegex("libuv" + number + " cJSON" + number + " spdlog" + number +
                                      " fmt" + number + "( date-tz" + number + ")? libcurl/.*"));
  const bool calendar = (llmq_features() & LLMQ_FEATURE_CALENDAR) != 0;
  EXPECT_EQ(libraries.find("date-tz/") != std::string::npos, calendar);
}

}  // namespace
}  // namespace llmq::test
