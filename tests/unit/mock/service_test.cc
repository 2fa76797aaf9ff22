#include "mock/service.h"

#include <gmock/gmock.h>

#include <map>

#include "mock/json.h"

namespace llmq::mock {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kBody =
    R"({"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":10})";

Incoming chat(std::string_view body = kBody) {
  return {"POST", "/v1/chat/completions", "Bearer k", "", body};
}

Options with_limits(std::initializer_list<const char*> limits) {
  Options options;
  for (const char* limit : limits) options.limits.push_back(parse_limit(limit).value());
  return options;
}

std::string header(const Reply& reply, const std::string& name) {
  for (const auto& [key, value] : reply.headers) {
    if (key == name) return value;
  }
  return "";
}

Reply ask(Service& service, const Incoming& incoming, Nanos clock = Nanos(0)) {
  const Call call = service.arrive(incoming, clock, 1000);
  EXPECT_EQ(call.action, Action::kReply);
  return service.answer(call, clock + call.latency, 1000);
}

double stat(const Service& service, const char* key, Nanos clock = Nanos(0)) {
  const Json root(cJSON_Parse(service.stats_json(clock).c_str()));
  return cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(root.get(), key));
}

double status_count(const Service& service, const char* status) {
  const Json root(cJSON_Parse(service.stats_json(Nanos(0)).c_str()));
  const cJSON* statuses = cJSON_GetObjectItem(root.get(), "statuses");
  const cJSON* count = cJSON_GetObjectItem(statuses, status);
  return count == nullptr ? 0 : count->valuedouble;
}

TEST(Service, AnswersWithAndWithoutTheVersionInThePath) {
  Service service{Options()};
  for (const char* path : {"/v1/chat/completions", "/chat/completions"}) {
    EXPECT_EQ(ask(service, {"POST", path, "", "", kBody}).status, 200) << path;
  }
  for (const char* path : {"/v1/embeddings", "/embeddings"}) {
    EXPECT_EQ(ask(service, {"POST", path, "", "", R"({"model":"e","input":"x"})"}).status, 200);
  }
  for (const char* path : {"/v1/models", "/models", "/stats"}) {
    EXPECT_EQ(ask(service, {"GET", path, "", "", ""}).status, 200) << path;
  }
  EXPECT_EQ(stat(service, "requests"), 4);
}

TEST(Service, AnythingElseIs404) {
  Service service{Options()};
  EXPECT_EQ(ask(service, {"GET", "/v1/chat/completions", "", "", ""}).status, 404);
  EXPECT_EQ(ask(service, {"POST", "/stats", "", "", ""}).status, 404);
  EXPECT_EQ(ask(service, {"GET", "/\xFF", "", "", ""}).status, 404);
  const Reply reply = ask(service, {"GET", "/v2/x", "", "", ""});
  EXPECT_EQ(reply.status, 404);
  EXPECT_THAT(reply.body, HasSubstr("GET /v2/x"));
  EXPECT_EQ(stat(service, "requests"), 0);
}

TEST(Service, KnowsTwoBadKeys) {
  Service service(with_limits({"requests=1/1m"}));
  Incoming incoming = chat();
  incoming.authorization = "Bearer invalid";
  Reply reply = ask(service, incoming);
  EXPECT_EQ(reply.status, 401);
  EXPECT_THAT(reply.body, HasSubstr(R"("code":"invalid_api_key")"));
  incoming.authorization = "Bearer quota";
  reply = ask(service, incoming);
  EXPECT_EQ(reply.status, 429);
  EXPECT_THAT(reply.body, HasSubstr(R"("code":"insufficient_quota")"));
  EXPECT_EQ(header(reply, "Retry-After"), "");
  EXPECT_EQ(ask(service, chat()).status, 200);
}

TEST(Service, RefusesAsOpenAiDoes) {
  Service service(with_limits({"requests=2/6s", "tokens=1000/1m,shape=bucket"}));
  EXPECT_EQ(ask(service, chat()).status, 200);
  EXPECT_EQ(ask(service, chat(), milliseconds(100)).status, 200);
  const Reply reply = ask(service, chat(), milliseconds(1500));
  EXPECT_EQ(reply.status, 429);
  EXPECT_EQ(
      reply.body,
      R"({"error":{"message":"Rate limit reached for m in organization org-mock on )"
      R"(requests per 6s: Limit 2, Used 2, Requested 1. Please try again in 4.5s.","type":"requests","param":null,)"
      R"("code":"rate_limit_exceeded"}})");
  EXPECT_EQ(header(reply, "Retry-After"), "5");
  EXPECT_EQ(header(reply, "retry-after-ms"), "4500");
  EXPECT_EQ(header(reply, "x-ratelimit-limit-requests"), "2");
  EXPECT_EQ(header(reply, "x-ratelimit-remaining-requests"), "0");
  EXPECT_EQ(header(reply, "x-ratelimit-limit-tokens"), "1000");
  EXPECT_THAT(header(reply, "x-request-id"), StartsWith("req_"));
  EXPECT_EQ(stat(service, "refused"), 1);
  EXPECT_EQ(status_count(service, "429"), 1);
  // The times count from the first arrival, whatever the clock says.
  EXPECT_EQ(ask(service, chat(), seconds(6)).status, 200);
}

TEST(Service, NamesTheDimensionAsOpenAiDoes) {
  const std::map<const char*, const char*> expected{
      {"requests=1/1s", "on requests per sec (RPS): Limit 1, Used 1,"},
      {"requests=1/1m", "on requests per min (RPM): Limit 1, Used 1,"},
      {"requests=1/1d", "on requests per day (RPD): Limit 1, Used 1,"},
      {"tokens=20/1m", "on tokens per min (TPM): Limit 20, Used 11, Requested 11."},
      {"tokens=20/1h", "on tokens per hour (TPH): "},
      {"input_tokens=1/1m", "on input tokens per min (ITPM): "},
      {"output_tokens=10/1m", "on output tokens per min (OTPM): "},
      // The slice is what refuses, unless it is hidden.
      {"requests=60/1m,shape=quantised", "on requests per sec (RPS): Limit 1, Used 1,"},
      {"requests=60/1m,shape=quantised,headers=bucket",
       "on requests per min (RPM): Limit 60, Used 1,"},
      // The wait follows from the numbers: (used + requested - limit) x window / limit.
      {"requests=10/1m,shape=bucket,burst=0.1",
       "on requests per min (RPM): Limit 10, Used 10, Requested 1. Please try again in 6s."}};
  for (const auto& [limit, words] : expected) {
    Service service(with_limits({limit}));
    EXPECT_EQ(ask(service, chat()).status, 200);
    EXPECT_THAT(ask(service, chat()).body, HasSubstr(words)) << limit;
  }
}

TEST(Service, HintsWhereItIsTold) {
  for (const Hints hints : {Hints::kBoth, Hints::kHeader, Hints::kBody, Hints::kNone}) {
    Options options = with_limits({"requests=1/6s"});
    options.hints = hints;
    options.headers = false;
    Service service(options);
    ask(service, chat());
    const Reply reply = ask(service, chat());
    EXPECT_EQ(reply.status, 429);
    const bool in_header = hints == Hints::kBoth || hints == Hints::kHeader;
    const bool in_body = hints == Hints::kBoth || hints == Hints::kBody;
    EXPECT_EQ(header(reply, "Retry-After"), in_header ? "6" : "") << name_of(hints);
    EXPECT_EQ(header(reply, "retry-after-ms"), in_header ? "6000" : "") << name_of(hints);
    EXPECT_EQ(reply.body.find("try again in 6s") != std::string::npos, in_body) << name_of(hints);
  }
}

TEST(Service, NamesNoWaitForACallThatNeverFits) {
  Service service(with_limits({"tokens=5/1s"}));
  const Reply reply = ask(service, chat());
  EXPECT_EQ(reply.status, 429);
  EXPECT_THAT(reply.body, HasSubstr("Request too large"));
  EXPECT_THAT(reply.body, HasSubstr("Limit 5, Used 0, Requested 11."));
  EXPECT_THAT(reply.body, HasSubstr(R"("type":"tokens")"));
  EXPECT_EQ(header(reply, "Retry-After"), "");
}

TEST(Service, HeadersCanBeTurnedOff) {
  Options options = with_limits({"requests=2/6s"});
  options.headers = false;
  Service service(options);
  const Reply reply = ask(service, chat());
  for (const auto& [name, value] : reply.headers) EXPECT_THAT(name, Not(HasSubstr("ratelimit")));
  EXPECT_EQ(header(reply, "Content-Type"), "application/json");
  EXPECT_NE(header(reply, "x-request-id"), "");
}

TEST(Service, RequestIdsDiffer) {
  Service service{Options()};
  EXPECT_NE(header(ask(service, chat()), "x-request-id"),
            header(ask(service, chat()), "x-request-id"));
}

TEST(Service, BadBodiesCostNothing) {
  Service service(with_limits({"requests=1/1m"}));
  EXPECT_EQ(ask(service, chat("{")).status, 400);
  EXPECT_EQ(ask(service, chat()).status, 200);
  EXPECT_EQ(stat(service, "requests"), 2);
  EXPECT_EQ(stat(service, "accepted"), 1);
}

TEST(Service, LatencyIsDrawnFromItsRange) {
  Options options;
  options.latency_min = milliseconds(20);
  options.latency_max = milliseconds(80);
  Service service(options);
  Nanos least = seconds(1);
  Nanos most{};
  for (int i = 0; i < 300; ++i) {
    const Call call = service.arrive(chat(), Nanos(0), 0);
    least = std::min(least, call.latency);
    most = std::max(most, call.latency);
    service.answer(call, Nanos(0), 0);
  }
  EXPECT_GE(least, Nanos(milliseconds(20)));
  EXPECT_LE(most, Nanos(milliseconds(80)));
  EXPECT_LT(least, Nanos(milliseconds(25)));
  EXPECT_GT(most, Nanos(milliseconds(75)));
}

struct FaultCase {
  double Options::*share;
  int status;
  const char* retry_after;
};

class InjectedError : public testing::TestWithParam<FaultCase> {};

TEST_P(InjectedError, ConsumesNoLimit) {
  Options options = with_limits({"requests=1/1m"});
  options.*GetParam().share = 1;
  options.retry_after = milliseconds(1500);
  Service service(options);
  for (int i = 0; i < 3; ++i) {
    const Reply reply = ask(service, chat());
    EXPECT_EQ(reply.status, GetParam().status);
    EXPECT_EQ(header(reply, "Retry-After"), GetParam().retry_after);
    EXPECT_EQ(header(reply, "x-ratelimit-remaining-requests"), "1");
  }
  EXPECT_EQ(stat(service, "accepted"), 0);
  EXPECT_EQ(stat(service, "refused"), 0);
}

INSTANTIATE_TEST_SUITE_P(Errors, InjectedError,
                         testing::Values(FaultCase{&Options::fail_server, 500, ""},
                                         FaultCase{&Options::fail_overloaded, 503, ""},
                                         FaultCase{&Options::fail_rate_limited, 429, "2"},
                                         FaultCase{&Options::fail_rate_limited_bare, 429, ""}));

TEST(Service, AResetConsumesNoLimit) {
  Options options = with_limits({"requests=1/1m"});
  options.fail_reset = 1;
  Service service(options);
  const Call call = service.arrive(chat(), Nanos(0), 0);
  EXPECT_EQ(call.action, Action::kReset);
  service.leave(call);
  EXPECT_EQ(stat(service, "resets"), 1);
  EXPECT_EQ(stat(service, "accepted"), 0);
  EXPECT_EQ(stat(service, "client_gone"), 0);
}

TEST(Service, AHangHoldsItsPlaceUntilTheClientLeaves) {
  Options options = with_limits({"requests=10/1m", "concurrency=1"});
  options.fail_hang = 1;
  Service service(options);
  const Call call = service.arrive(chat(), Nanos(0), 0);
  EXPECT_EQ(call.action, Action::kHang);
  EXPECT_TRUE(service.is_full());
  EXPECT_EQ(ask(service, chat()).status, 429);
  service.leave(call);
  EXPECT_FALSE(service.is_full());
  EXPECT_EQ(stat(service, "hangs"), 1);
  EXPECT_EQ(stat(service, "client_gone"), 1);
  EXPECT_EQ(stat(service, "accepted"), 1);
}

TEST(Service, FaultsComeInTheirSharesAndReplayFromTheSeed) {
  Options options;
  options.fail_server = 0.2;
  options.fail_overloaded = 0.1;
  options.fail_rate_limited = 0.1;
  options.fail_reset = 0.1;
  const auto run = [&](uint64_t seed) {
    options.seed = seed;
    Service service(options);
    std::string trace;
    for (int i = 0; i < 2000; ++i) {
      const Call call = service.arrive(chat(), Nanos(0), 0);
      if (call.action == Action::kReset) {
        service.leave(call);
        trace += 'r';
      } else {
        trace += static_cast<char>('a' + service.answer(call, Nanos(0), 0).status % 26);
      }
    }
    EXPECT_NEAR(status_count(service, "500"), 400, 80);
    EXPECT_NEAR(status_count(service, "503"), 200, 60);
    EXPECT_NEAR(status_count(service, "429"), 200, 60);
    EXPECT_NEAR(status_count(service, "200"), 1000, 120);
    EXPECT_NEAR(stat(service, "resets"), 200, 60);
    return trace;
  };
  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1), run(2));
}

constexpr std::string_view kStreamBody =
    R"({"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":10,"stream":true})";

double remaining_tokens(const Service& service) {
  const Json root(cJSON_Parse(service.stats_json(Nanos(0)).c_str()));
  const cJSON* limit = cJSON_GetArrayItem(cJSON_GetObjectItem(root.get(), "limits"), 0);
  return cJSON_GetNumberValue(cJSON_GetObjectItem(limit, "amount")) -
         cJSON_GetNumberValue(cJSON_GetObjectItem(limit, "max_used"));
}

TEST(ServiceStream, ChargesOutputAsItIsSaid) {
  Options options = with_limits({"tokens=100/1h"});
  options.charge = Charge::kRealtime;
  options.tokens_per_s = 1;
  options.piece_tokens = 5;
  Service service(options);
  const Nanos start = seconds(1000);
  const Call call = service.arrive(chat(kStreamBody), start, 0);
  const Reply head = service.answer(call, start, 0);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body, "");
  EXPECT_THAT(header(head, "Content-Type"), StartsWith("text/event-stream"));
  EXPECT_EQ(remaining_tokens(service), 99);  // the input
  EXPECT_EQ(service.next(call, start).kind, Stream::Step::Kind::kData);
  const Stream::Step wait = service.next(call, start);
  EXPECT_EQ(wait.kind, Stream::Step::Kind::kWait);
  EXPECT_EQ(wait.at, start + seconds(5));
  service.next(call, start + seconds(5));
  EXPECT_EQ(remaining_tokens(service), 94);
  service.next(call, start + seconds(10));
  EXPECT_EQ(remaining_tokens(service), 89);
  EXPECT_EQ(stat(service, "in_flight"), 1);
  EXPECT_EQ(service.next(call, start + seconds(10)).kind, Stream::Step::Kind::kEnd);
  EXPECT_EQ(stat(service, "in_flight"), 0);
  EXPECT_EQ(remaining_tokens(service), 89);
  EXPECT_EQ(stat(service, "output_tokens"), 10);
}

TEST(ServiceStream, AWholeAnswerIsChargedInRealtimeToo) {
  Options options = with_limits({"tokens=100/1h"});
  options.charge = Charge::kRealtime;
  Service service(options);
  ask(service, chat());
  EXPECT_EQ(remaining_tokens(service), 89);
}

TEST(ServiceStream, ABrokenOneIsNoSuccess) {
  Options options = with_limits({"tokens=100/1h"});
  options.charge = Charge::kCompletion;
  options.fail_stream_error = 1;
  Service service(options);
  for (int i = 0; i < 2; ++i) {
    const Call call = service.arrive(chat(kStreamBody), Nanos(0), 0);
    service.answer(call, Nanos(0), 0);
    Stream::Step step = service.next(call, Nanos(0));
    while (step.kind == Stream::Step::Kind::kData) step = service.next(call, Nanos(0));
    EXPECT_EQ(step.kind, Stream::Step::Kind::kEnd);
  }
  EXPECT_EQ(stat(service, "broken_streams"), 2);
  EXPECT_EQ(stat(service, "in_flight"), 0);
  EXPECT_EQ(stat(service, "duplicates"), 0);
  EXPECT_EQ(stat(service, "output_tokens"), 0);
  EXPECT_LE(remaining_tokens(service), 96);  // what was said is charged
}

TEST(ServiceStream, FaultsOfStreamsSpareOtherCalls) {
  Options options;
  options.fail_stream_cut = 1;
  Service service(options);
  EXPECT_EQ(ask(service, chat()).status, 200);
  EXPECT_EQ(stat(service, "broken_streams"), 0);
}

TEST(Service, AnAnswerTakesTheTimeOfItsTokens) {
  Options options;
  options.tokens_per_s = 100;
  options.latency_min = options.latency_max = milliseconds(20);
  Service service(options);
  const Call call = service.arrive(chat(), Nanos(0), 0);
  EXPECT_EQ(call.latency, milliseconds(120));  // max_tokens caps the answer at 10
  service.leave(call);
}

TEST(Service, CountsARequestAnsweredTwiceAsDuplicate) {
  Service service{Options()};
  ask(service, chat());
  EXPECT_EQ(stat(service, "duplicates"), 0);
  ask(service, chat());
  EXPECT_EQ(stat(service, "duplicates"), 1);
  // Keys tell equal bodies apart, and different ones together.
  Incoming keyed = chat();
  keyed.request_key = "a";
  ask(service, keyed);
  EXPECT_EQ(stat(service, "duplicates"), 1);
  keyed.body = R"({"model":"m","messages":[{"role":"user","content":"other"}]})";
  ask(service, keyed);
  EXPECT_EQ(stat(service, "duplicates"), 2);
}

TEST(Service, ARequestGivenUpAndSentAgainIsNoDuplicate) {
  Service service{Options()};
  service.leave(service.arrive(chat(), Nanos(0), 0));
  ask(service, chat());
  EXPECT_EQ(stat(service, "duplicates"), 0);
  EXPECT_EQ(stat(service, "client_gone"), 1);
}

TEST(Service, StatsTellTheWholeRun) {
  Options options = with_limits({"requests=2/6s", "tokens=1000/6s", "concurrency=5"});
  Service service(options);
  const Nanos start = seconds(1000);
  for (const auto at : {0, 100, 6000}) ask(service, chat(), start + milliseconds(at));
  const Json root(cJSON_Parse(service.stats_json(start + seconds(8)).c_str()));
  ASSERT_NE(root, nullptr);
  const auto number = [&](const char* key) {
    return cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(root.get(), key));
  };
  EXPECT_EQ(number("elapsed_ms"), 8000);
  EXPECT_EQ(number("requests"), 3);
  EXPECT_EQ(number("accepted"), 3);
  EXPECT_EQ(number("in_flight"), 0);
  EXPECT_EQ(number("max_concurrency"), 1);
  EXPECT_EQ(number("input_tokens"), 3);
  EXPECT_EQ(number("output_tokens"), 30);
  EXPECT_EQ(number("first_arrival_unix_ms"), 1000);
  EXPECT_EQ(number("last_accepted_ms"), 6000);
  EXPECT_EQ(number("ideal_ms"), 6000);
  EXPECT_EQ(number("last_over_ideal"), 1);
  const cJSON* limits = cJSON_GetObjectItem(root.get(), "limits");
  ASSERT_EQ(cJSON_GetArraySize(limits), 3);
  const cJSON* requests = cJSON_GetArrayItem(limits, 0);
  EXPECT_STREQ(cJSON_GetStringValue(cJSON_GetObjectItem(requests, "limit")), "requests/6s");
  EXPECT_STREQ(cJSON_GetStringValue(cJSON_GetObjectItem(requests, "shape")), "sliding");
  const std::map<const char*, double> expected{
      {"amount", 2},      {"period_ms", 6000}, {"busiest_window", 2}, {"accepted_units", 3},
      {"ideal_ms", 6000}, {"max_used", 2},     {"capacity", 2}};
  for (const auto& [key, value] : expected) {
    EXPECT_EQ(cJSON_GetNumberValue(cJSON_GetObjectItem(requests, key)), value) << key;
  }
}

TEST(Service, StatsBeforeTheFirstArrivalAreEmpty) {
  const Service service{Options()};
  const Json root(cJSON_Parse(service.stats_json(seconds(99)).c_str()));
  EXPECT_TRUE(cJSON_IsNull(cJSON_GetObjectItem(root.get(), "first_arrival_unix_ms")));
  EXPECT_TRUE(cJSON_IsNull(cJSON_GetObjectItem(root.get(), "last_over_ideal")));
  EXPECT_EQ(stat(service, "elapsed_ms", seconds(99)), 0);
}

}  // namespace
}  // namespace llmq::mock
