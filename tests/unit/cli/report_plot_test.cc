#include "cli/report_plot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace llmq::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ReportPlot, NumbersHaveTheirUnits) {
  EXPECT_EQ(number_text(0, Unit::kCount), "0");
  EXPECT_EQ(number_text(999, Unit::kCount), "999");
  EXPECT_EQ(number_text(1500, Unit::kCount), "1.5k");
  EXPECT_EQ(number_text(2'000'000, Unit::kCount), "2M");
  EXPECT_EQ(number_text(0.25, Unit::kSeconds), "250 ms");
  EXPECT_EQ(number_text(59.5, Unit::kSeconds), "59.5 s");
  EXPECT_EQ(number_text(600, Unit::kSeconds), "10 min");
  EXPECT_EQ(number_text(86400, Unit::kSeconds), "24 h");
  EXPECT_EQ(number_text(3 * 86400, Unit::kSeconds), "3 d");
  EXPECT_EQ(number_text(0.0001, Unit::kMoney), "0.0001");
}

TEST(ReportPlot, EscapesWhatEndsTextOrAttributes) {
  EXPECT_EQ(escape_html("<script>alert('a' & \"b\")</script>"),
            "&lt;script&gt;alert(&#39;a&#39; &amp; &quot;b&quot;)&lt;/script&gt;");
  EXPECT_EQ(escape_html("\xc3\xa9t\xc3\xa9"), "\xc3\xa9t\xc3\xa9");
}

// The picture is 560 x 220; the axes meet at (62, 180) and end at x 544 and y 10.
TEST(ReportPlot, PointsAreWhereTheAxesSay) {
  Plot plot;
  plot.title = "t";
  plot.x_end = 10;
  plot.lines.push_back({"one", "a", {{{0, 0}, {5, 50}, {10, 100}}}, false, false});
  const std::string svg = draw(plot);
  EXPECT_THAT(svg, HasSubstr("data-x-end=\"10\" data-y-end=\"100\""));
  EXPECT_THAT(svg, HasSubstr("points=\"62.0,180.0 303.0,95.0 544.0,10.0\""));
  for (const char* label : {">20<", ">100<", ">2 s<", ">10 s<"}) EXPECT_THAT(svg, HasSubstr(label));
}

TEST(ReportPlot, StackedBarsStandOnOneAnother) {
  Plot plot;
  plot.x_end = 10;
  plot.bars = {{"good", "good"}, {"a", "b"}, {{0, 10, {6, 4}}}, true};
  const std::string svg = draw(plot);
  EXPECT_THAT(svg, HasSubstr("data-y-end=\"10\""));
  EXPECT_THAT(svg, HasSubstr("y=\"78.0\" width=\"433.8\" height=\"102.0\""));
  EXPECT_THAT(svg, HasSubstr("y=\"10.0\" width=\"433.8\" height=\"68.0\""));
  plot.bars.stacked = false;
  EXPECT_THAT(draw(plot), HasSubstr("width=\"216.9\""));
}

TEST(ReportPlot, CountsHaveNoFractionsOnTheirAxis) {
  Plot plot;
  plot.x_end = 1;
  plot.bars = {{"retries"}, {"b"}, {{0, 1, {1}}}, false};
  EXPECT_THAT(draw(plot), HasSubstr("data-y-end=\"1\""));
  EXPECT_THAT(draw(plot), Not(HasSubstr(">0.5<")));
}

TEST(ReportPlot, NothingToDrawIsSaid) {
  Plot plot;
  plot.nothing = "There was <nothing>.";
  plot.lines.push_back({"one", "a", {{}}, false, false});
  EXPECT_THAT(draw(plot), HasSubstr("There was &lt;nothing&gt;."));
  EXPECT_THAT(draw(plot), Not(HasSubstr("<svg")));
}

TEST(ReportPlot, AxesOfAnyLengthHaveFewTicks) {
  for (const double end : {1e-6, 0.003, 0.4, 1.0, 7.0, 61.0, 3599.0, 86'400.0, 3e7}) {
    Plot plot;
    plot.x_end = end;
    plot.unit = Unit::kSeconds;
    plot.lines.push_back({"one", "a", {{{0, end}, {end, end}}}, false, false});
    const std::string svg = draw(plot);
    size_t texts = 0;
    for (size_t at = 0; (at = svg.find("<text", at)) != std::string::npos; ++at) ++texts;
    EXPECT_GE(texts, 5U) << end;
    EXPECT_LE(texts, 6U + 8U + 1U) << end;
  }
}

}  // namespace
}  // namespace llmq::cli
