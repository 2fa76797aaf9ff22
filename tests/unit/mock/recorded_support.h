// What the mock sends, beside recorded answers of the real providers, where these are at hand: the
// same members of the same types, the same header lines in the same formats, the same statuses. So
// that the mock and the library's parsers cannot agree on a mistake. No parser of the library is
// used here.
#ifndef LLMQ_TESTS_UNIT_MOCK_RECORDED_SUPPORT_H_
#define LLMQ_TESTS_UNIT_MOCK_RECORDED_SUPPORT_H_

#include <gmock/gmock.h>

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "mock/options.h"

namespace llmq::mock {

// "choices[].index:number": every path with its type.
using Members = std::set<std::string>;

Members shape_of(const std::string& body);
// Of all events of a stream together.
Members shape_of_stream(const std::string& text);

using Lines = std::map<std::string, std::string>;  // name in small letters -> format

struct Recorded {
  std::string id;
  std::string provider;
  std::string kind;
  int status = 0;
  std::string body;
  Lines lines;
};

// Where the recordings are, or would be.
std::string vectors_path();
std::vector<Recorded> recordings();

// One question to the mock, and its whole answer.
struct Asked {
  std::string provider = "openai";
  std::string path = "/v1/chat/completions";
  std::string body = R"({"model":"m","messages":[{"role":"user","content":"hello there"}]})";
  std::vector<const char*> limits = {"requests=5000/1m,shape=bucket",
                                     "tokens=800000/1m,shape=bucket"};
  double Options::*fault = nullptr;
  std::string_view key = "k";
  int calls = 1;  // the last one is the answer
};

struct Heard {
  int status = 0;
  std::string body;
  Lines lines;
};

Heard ask(const Asked& asked);

inline const std::string kMessagesBody =
    R"({"model":"m","max_tokens":64,"messages":[{"role":"user","content":"hello there"}]})";
inline const std::string kGeminiBody =
    R"({"contents":[{"role":"user","parts":[{"text":"hello there"}]}]})";
inline const std::vector<const char*> kThreeLimits = {"requests=4000/1m,shape=bucket",
                                                      "input_tokens=2000000/1m,shape=bucket",
                                                      "output_tokens=400000/1m,shape=bucket"};

class RecordedAnswers : public testing::Test {
 protected:
  void SetUp() override {
    all_ = recordings();
    if (all_.empty()) GTEST_SKIP() << "no recordings in " << vectors_path();
  }

  std::vector<Recorded> of(const std::string& provider, const std::string& kind) const {
    std::vector<Recorded> some;
    for (const Recorded& one : all_) {
      if (one.provider == provider && one.kind == kind) some.push_back(one);
    }
    EXPECT_FALSE(some.empty()) << provider << " " << kind;
    return some;
  }

  std::vector<Recorded> all_;
};

}  // namespace llmq::mock

#endif  // LLMQ_TESTS_UNIT_MOCK_RECORDED_SUPPORT_H_
