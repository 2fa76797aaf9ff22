#include "mock/options.h"

#include <gmock/gmock.h>

namespace llmq::mock {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;

TEST(ParseLimit, ReadsKindAmountAndPeriod) {
  const auto limit = parse_limit("requests=300/6s");
  ASSERT_TRUE(limit.ok()) << limit.error();
  EXPECT_EQ(limit.value().kind, LimitKind::kRequests);
  EXPECT_EQ(limit.value().shape, Shape::kSliding);
  EXPECT_EQ(limit.value().amount, 300);
  EXPECT_EQ(limit.value().period, Nanos(seconds(6)));
}

TEST(ParseLimit, ReadsABurstExactly) {
  const auto limit = parse_limit("tokens=60000/6s,shape=bucket,burst=0.1");
  ASSERT_TRUE(limit.ok()) << limit.error();
  EXPECT_EQ(limit.value().kind, LimitKind::kTokens);
  EXPECT_EQ(limit.value().shape, Shape::kBucket);
  EXPECT_EQ(limit.value().burst_ppm, 100'000);
  EXPECT_EQ(parse_limit("tokens=10/1s,burst=1.5,shape=bucket").value().burst_ppm, 1'500'000);
}

TEST(ParseLimit, ReadsASlice) {
  const auto limit = parse_limit("requests=100/1m,shape=quantised,slice=10s");
  ASSERT_TRUE(limit.ok()) << limit.error();
  EXPECT_EQ(limit.value().slice, Nanos(seconds(10)));
}

TEST(ParseLimit, ReadsWhatHeadersTell) {
  EXPECT_EQ(parse_limit("requests=60/6s").value().told, Told::kOwn);
  EXPECT_EQ(parse_limit("requests=60/6s,headers=own").value().told, Told::kOwn);
  EXPECT_EQ(parse_limit("requests=60/6s,shape=quantised,headers=bucket").value().told,
            Told::kBucket);
  EXPECT_EQ(parse_limit("requests=60/6s,headers=off").value().told, Told::kOff);
  EXPECT_EQ(parse_limit("requests=60/6s,shape=bucket").value().bucket_reset, BucketReset::kFull);
  EXPECT_EQ(parse_limit("requests=60/6s,shape=bucket,reset=full").value().bucket_reset,
            BucketReset::kFull);
  EXPECT_EQ(parse_limit("requests=60/6s,shape=bucket,reset=amount").value().bucket_reset,
            BucketReset::kAmount);
}

TEST(ParseLimit, ReadsAChange) {
  const auto limit = parse_limit("requests=300/6s,change=150@30s");
  ASSERT_TRUE(limit.ok()) << limit.error();
  EXPECT_EQ(limit.value().changed_amount, 150);
  EXPECT_EQ(limit.value().change_at, Nanos(seconds(30)));
}

TEST(ParseLimit, ReadsConcurrency) {
  const auto limit = parse_limit("concurrency=200");
  ASSERT_TRUE(limit.ok()) << limit.error();
  EXPECT_EQ(limit.value().kind, LimitKind::kConcurrency);
  EXPECT_EQ(limit.value().amount, 200);
}

TEST(ParseLimit, KnowsEveryKind) {
  EXPECT_EQ(parse_limit("input_tokens=1/1s").value().kind, LimitKind::kInputTokens);
  EXPECT_EQ(parse_limit("output_tokens=1/1s").value().kind, LimitKind::kOutputTokens);
}

class BadLimit : public testing::TestWithParam<const char*> {};

TEST_P(BadLimit, IsRefusedNamingTheText) {
  const auto limit = parse_limit(GetParam());
  ASSERT_FALSE(limit.ok());
  EXPECT_THAT(limit.error(), HasSubstr("limit \"" + std::string(GetParam()) + "\""));
}

INSTANTIATE_TEST_SUITE_P(
    Texts, BadLimit,
    testing::Values("", "requests", "requests=", "requests=300", "requests=300/", "requests=x/6s",
                    "requests=-1/6s", "requests=0/6s", "requests=1.5/6s", "requests=300/6",
                    "requests=300/6x", "calls=3/6s", "=3/6s", "concurrency=0", "concurrency=5/6s",
                    "concurrency=5,shape=fixed", "requests=3/6s,shape=round", "requests=3/6s,x=1",
                    "requests=3/6s,headers=on", "requests=3/6s,headers=",
                    "requests=3/6s,reset=full", "requests=3/6s,shape=bucket,reset=soon",
                    "requests=3/6s,shape=bucket,headers=bucket,reset=full",
                    "requests=3/6s,burst=0.5", "requests=3/6s,change=2",
                    "requests=3/6s,change=0@1s", "requests=3/6s,change=@1s",
                    "requests=3/6s,change=2@x", "requests=60/1m,shape=quantised,change=9@1s",
                    "requests=3/6s,slice=1s", "requests=3/6s,shape=bucket,burst=0",
                    "requests=3/6s,shape=bucket,burst=x",
                    "requests=3/6s,shape=bucket,burst=0.00000001",
                    "requests=30/1m,shape=quantised,slice=1s",
                    "requests=30/1m,shape=quantised,slice=x", "requests=9999999999999999999/6s"));

TEST(ParseLimit, SaysWhatIsExpected) {
  EXPECT_THAT(parse_limit("requests=300").error(), HasSubstr("KIND=N/PERIOD"));
  EXPECT_THAT(parse_limit("requests=3/6s,shape=round").error(), HasSubstr("sliding, fixed"));
  EXPECT_THAT(parse_limit("requests=3/6q").error(), HasSubstr("a span such as"));
}

TEST(ParseLimit, KnowsItsFiveShapes) {
  for (const Shape shape :
       {Shape::kSliding, Shape::kFixed, Shape::kBucket, Shape::kQuantised, Shape::kTwoBucket}) {
    const auto limit = parse_limit(std::string("requests=60/6s,shape=") + name_of(shape));
    ASSERT_TRUE(limit.ok()) << limit.error();
    EXPECT_EQ(limit.value().shape, shape);
  }
  EXPECT_THAT(parse_limit("requests=60/6s,shape=Fixed").error(), HasSubstr("\"Fixed\""));
}

TEST(ParseHints, KnowsItsWords) {
  for (const Hints hints : {Hints::kBoth, Hints::kHeader, Hints::kBody, Hints::kNone,
                            Hints::kSeconds, Hints::kFloat, Hints::kMs, Hints::kDate}) {
    EXPECT_EQ(parse_hints(name_of(hints)).value(), hints);
  }
  EXPECT_THAT(parse_hints("some").error(),
              HasSubstr("both, header, body, none, seconds, float, ms or date"));
}

TEST(ParseCharge, KnowsItsWords) {
  EXPECT_EQ(parse_charge("input").value(), Charge::kArrivalInput);
  EXPECT_EQ(parse_charge("max_tokens").value(), Charge::kArrivalMaxTokens);
  EXPECT_EQ(parse_charge("completion").value(), Charge::kCompletion);
  EXPECT_THAT(parse_charge("late").error(), HasSubstr("input, max_tokens, completion or realtime"));
}

TEST(ParseSpan, ReadsEveryUnit) {
  EXPECT_EQ(parse_span("250us").value(), Nanos(250'000));
  EXPECT_EQ(parse_span("20ms").value(), Nanos(milliseconds(20)));
  EXPECT_EQ(parse_span("6s").value(), Nanos(seconds(6)));
  EXPECT_EQ(parse_span("1.5s").value(), Nanos(milliseconds(1500)));
  EXPECT_EQ(parse_span("1m").value(), Nanos(minutes(1)));
  EXPECT_EQ(parse_span("2h").value(), Nanos(hours(2)));
  EXPECT_EQ(parse_span("1d").value(), Nanos(hours(24)));
  EXPECT_EQ(parse_span("0").value(), Nanos(0));
}

TEST(ParseSpan, RefusesWhatIsNone) {
  for (const char* text :
       {"", "6", "s", "6 s", "-6s", "6.s", ".5s", "1.2.3s", "367d", "6sec", "1e3s", "0.1234us"}) {
    const auto span = parse_span(text);
    ASSERT_FALSE(span.ok()) << text;
    EXPECT_THAT(span.error(), HasSubstr("\"" + std::string(text) + "\"")) << text;
  }
}

TEST(ParseSpanRange, ReadsARangeOrOneSpan) {
  const auto range = parse_span_range("20ms..80ms");
  ASSERT_TRUE(range.ok()) << range.error();
  EXPECT_EQ(range.value().first, Nanos(milliseconds(20)));
  EXPECT_EQ(range.value().second, Nanos(milliseconds(80)));
  EXPECT_EQ(parse_span_range("5ms").value().first, Nanos(milliseconds(5)));
  EXPECT_EQ(parse_span_range("5ms").value().second, Nanos(milliseconds(5)));
  EXPECT_FALSE(parse_span_range("80ms..20ms").ok());
  EXPECT_FALSE(parse_span_range("80ms..").ok());
  EXPECT_FALSE(parse_span_range("..80ms").ok());
}

TEST(FormatSpan, UsesTheLargestUnitThatFits) {
  EXPECT_EQ(format_span(seconds(6)), "6s");
  EXPECT_EQ(format_span(minutes(1)), "1m");
  EXPECT_EQ(format_span(milliseconds(1500)), "1500ms");
  EXPECT_EQ(format_span(hours(24)), "1d");
  EXPECT_EQ(format_span(Nanos(7)), "7ns");
  EXPECT_EQ(format_span(Nanos(0)), "0s");
}

TEST(CheckOptions, AcceptsTheDefaults) { EXPECT_EQ(check_options(Options()), ""); }

TEST(CheckOptions, RefusesWhatCannotBeServed) {
  const auto wrong = [](auto change) {
    Options options;
    change(options);
    return check_options(options);
  };
  EXPECT_THAT(wrong([](Options& o) { o.limits.emplace_back(); }), HasSubstr("amount"));
  EXPECT_THAT(wrong([](Options& o) { o.latency_min = seconds(1); }), HasSubstr("latency"));
  EXPECT_THAT(wrong([](Options& o) { o.fail_hang = 1.5; }), HasSubstr("share"));
  EXPECT_THAT(wrong([](Options& o) { o.fail_server = -0.1; }), HasSubstr("share"));
  EXPECT_THAT(wrong([](Options& o) { o.fail_server = o.fail_reset = 0.6; }), HasSubstr("more"));
  EXPECT_THAT(wrong([](Options& o) { o.retry_after = seconds(-1); }), HasSubstr("retry_after"));
  EXPECT_THAT(wrong([](Options& o) { o.output_tokens_min = 0; }), HasSubstr("output"));
  EXPECT_THAT(wrong([](Options& o) { o.output_tokens_max = 2; }), HasSubstr("output"));
}

}  // namespace
}  // namespace llmq::mock
