// The wire forms as the service puts them together: keys, required lines, whose words are used, and
// header lines that mislead.
#include <gmock/gmock.h>

#include <set>

#include "mock/json.h"
#include "mock/service.h"

namespace llmq::mock {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view kChatBody =
    R"({"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":10})";
constexpr std::string_view kGeminiBody = R"({"contents":[{"parts":[{"text":"hi"}]}]})";

Options with_limit(const char* limit) {
  Options options;
  options.limits.push_back(parse_limit(limit).value());
  return options;
}

Incoming post(std::string_view path, std::string_view body = kChatBody) {
  Incoming incoming;
  incoming.method = "POST";
  incoming.path = path;
  incoming.body = body;
  incoming.anthropic_version = "2023-06-01";
  incoming.api_version = "2024-10-21";
  return incoming;
}

Reply ask(Service& service, const Incoming& incoming, Nanos clock = Nanos(0)) {
  const Call call = service.arrive(incoming, clock, 1000);
  EXPECT_EQ(call.stream, nullptr);
  return service.answer(call, clock, 1000);
}

std::string header(const Reply& reply, const std::string& name) {
  for (const auto& [key, value] : reply.headers) {
    if (key == name) return value;
  }
  return "";
}

double stat(const Service& service, const char* key) {
  const Json root(cJSON_Parse(service.stats_json(Nanos(0)).c_str()));
  return cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(root.get(), key));
}

TEST(Keys, CountOnlyWhereTheProviderLooksForThem) {
  Service service{Options()};
  Incoming anthropic = post("/v1/messages");
  anthropic.authorization = "Bearer invalid";
  EXPECT_EQ(ask(service, anthropic).status, 200);
  anthropic.x_api_key = "invalid";
  EXPECT_EQ(ask(service, anthropic).status, 401);

  Incoming gemini = post("/v1beta/models/m:generateContent", kGeminiBody);
  gemini.authorization = "Bearer invalid";
  EXPECT_EQ(ask(service, gemini).status, 200);
  gemini.key = "invalid";
  EXPECT_EQ(ask(service, gemini).status, 400);
  gemini.x_goog_api_key = "good";  // the header line wins
  EXPECT_EQ(ask(service, gemini).status, 200);

  Incoming azure = post("/openai/deployments/d/chat/completions");
  azure.api_key = "invalid";
  EXPECT_EQ(ask(service, azure).status, 401);
  Incoming openai = post("/v1/chat/completions");
  openai.x_api_key = "invalid";
  EXPECT_EQ(ask(service, openai).status, 200);
}

TEST(RequiredLines, AreAskedFor) {
  Service service{Options()};
  Incoming anthropic = post("/v1/messages");
  anthropic.anthropic_version = "";
  Reply reply = ask(service, anthropic);
  EXPECT_EQ(reply.status, 400);
  EXPECT_THAT(reply.body, HasSubstr("anthropic-version"));
  Incoming azure = post("/openai/deployments/d/chat/completions");
  azure.api_version = "";
  EXPECT_EQ(ask(service, azure).status, 404);
  reply = ask(service, post("/v1/messages", R"({"model":"m","messages":[{"role":"user"}]})"));
  EXPECT_EQ(reply.status, 400);
  EXPECT_THAT(reply.body, HasSubstr("max_tokens"));
}

TEST(Wires, ShareOneAccount) {
  Service service(with_limit("requests=5/1h"));
  EXPECT_EQ(ask(service, post("/v1/chat/completions")).status, 200);
  EXPECT_EQ(ask(service, post("/v1/messages")).status, 200);
  EXPECT_EQ(ask(service, post("/v2/chat")).status, 200);
  EXPECT_EQ(ask(service, post("/openai/deployments/d/chat/completions")).status, 200);
  EXPECT_EQ(ask(service, post("/v1beta/models/m:generateContent", kGeminiBody)).status, 200);
  const Reply reply = ask(service, post("/v1/messages"));
  EXPECT_EQ(reply.status, 429);
  EXPECT_THAT(reply.body, HasSubstr("of 5 requests per hour"));
  EXPECT_EQ(header(reply, "Retry-After"), "3600");
  EXPECT_EQ(header(reply, "retry-after-ms"), "");
  EXPECT_EQ(header(reply, "x-should-retry"), "true");
  EXPECT_THAT(header(reply, "request-id"), StartsWith("req_"));
  EXPECT_THAT(reply.body, HasSubstr(header(reply, "request-id")));
}

TEST(Wires, GeminiTellsItsWaitInTheBodyAlone) {
  Service service(with_limit("input_tokens=1/1m"));
  const Incoming incoming = post("/v1beta/models/m:generateContent", kGeminiBody);
  EXPECT_EQ(ask(service, incoming).status, 200);
  const Reply reply = ask(service, incoming, milliseconds(11'500));
  EXPECT_EQ(reply.status, 429);
  EXPECT_THAT(reply.body, HasSubstr("Please retry in 48.5s."));
  EXPECT_THAT(reply.body, HasSubstr(R"("retryDelay":"48s")"));
  EXPECT_THAT(reply.body,
              HasSubstr(R"("quotaId":"GenerateContentPaidTierInputTokensPerModelPerMinute")"));
  EXPECT_EQ(header(reply, "Retry-After"), "");
}

TEST(HeaderLag, TellsWhatWasTrueSomeRepliesAgo) {
  Options options = with_limit("requests=10/1h");
  options.header_lag = 2;
  Service service(options);
  std::string told;
  for (int i = 0; i < 5; ++i) {
    told += header(ask(service, post("/v1/chat/completions")), "x-ratelimit-remaining-requests");
  }
  EXPECT_EQ(told, "99987");
}

TEST(WrongHeaders, AreUntrueInEveryWay) {
  Options options = with_limit("requests=50/1h");
  options.wrong_headers = 1;
  Service service(options);
  std::set<std::string> seen;
  for (int i = 0; i < 40; ++i) {
    const Reply reply = ask(service, post("/v1/chat/completions"));
    std::string told = header(reply, "x-ratelimit-remaining-requests");
    if (told == std::to_string(49 - i) + "0") told = "tenfold";
    seen.insert(told);
  }
  EXPECT_EQ(seen, (std::set<std::string>{"", "-1", "0", "plenty", "tenfold"}));
}

TEST(Quota, IsGoneAfterSoManyCalls) {
  Options options;
  options.quota_after = 2;
  Service service(options);
  EXPECT_EQ(ask(service, post("/v1/chat/completions")).status, 200);
  EXPECT_EQ(ask(service, post("/v1/messages")).status, 200);
  const Reply reply = ask(service, post("/v1/chat/completions"));
  EXPECT_EQ(reply.status, 429);
  EXPECT_THAT(reply.body, HasSubstr("insufficient_quota"));
  EXPECT_EQ(header(reply, "Retry-After"), "");
  EXPECT_THAT(ask(service, post("/v1/messages")).body, HasSubstr("credit balance is too low"));
}

TEST(Retries, AreMeasuredByWhatWasTold) {
  Options options = with_limit("requests=1/10s");
  options.hints = Hints::kSeconds;
  Service service(options);
  Incoming incoming = post("/v1/chat/completions");
  incoming.request_key = "first";
  ask(service, incoming);
  incoming.request_key = "second";
  EXPECT_EQ(header(ask(service, incoming, milliseconds(1500)), "Retry-After"), "9");
  ask(service, incoming, milliseconds(10'400));  // told 10.5 s
  EXPECT_EQ(stat(service, "retries_told"), 1);
  EXPECT_EQ(stat(service, "early_retries"), 1);
  incoming.request_key = "third";
  ask(service, incoming, seconds(12));  // refused until 20.4 s, told 21 s
  ask(service, incoming, milliseconds(21'250));
  EXPECT_EQ(stat(service, "retries_told"), 2);
  EXPECT_EQ(stat(service, "early_retries"), 1);
  EXPECT_EQ(stat(service, "latest_retry_ms"), 250);
}

TEST(GeminiStream, IsAnArrayWithoutSse) {
  Service service{Options()};
  for (const double fault : {0.0, 1.0}) {
    Options options;
    options.fail_stream_error = fault;
    Service one(options);
    const Call call =
        one.arrive(post("/v1beta/models/m:streamGenerateContent", kGeminiBody), Nanos(0), 0);
    ASSERT_NE(call.stream, nullptr);
    EXPECT_THAT(header(one.answer(call, Nanos(0), 0), "Content-Type"),
                StartsWith("application/json"));
    std::string text;
    Stream::Step step;
    while (step.kind == Stream::Step::Kind::kData) text += (step = one.next(call, Nanos(0))).data;
    const Json root(cJSON_Parse(text.c_str()));
    ASSERT_TRUE(cJSON_IsArray(root.get())) << text;
    const cJSON* last = cJSON_GetArrayItem(root.get(), cJSON_GetArraySize(root.get()) - 1);
    EXPECT_EQ(cJSON_GetObjectItem(last, "error") != nullptr, fault > 0) << text;
  }
}

}  // namespace
}  // namespace llmq::mock
