// One plot of a report as SVG: axes with units, lines, bars.
#ifndef LLMQ_CLI_REPORT_PLOT_H_
#define LLMQ_CLI_REPORT_PLOT_H_

#include <string>
#include <string_view>
#include <vector>

namespace llmq::cli {

// For text and attributes of HTML.
std::string escape_html(std::string_view text);

enum class Unit { kCount, kSeconds, kMoney };

// "1.5k", "250 ms", "0.25".
std::string number_text(double value, Unit unit);

struct Point {
  double x;  // seconds
  double y;
};

// `look` is a class of the page's style sheet: "a", "b", "limit".
struct Line {
  std::string name;
  std::string look;
  std::vector<std::vector<Point>> pieces;  // gaps between them
  bool filled = false;                     // down to the axis
  bool dots = false;
};

struct Bar {
  double from;  // seconds
  double to;
  std::vector<double> values;  // one per name
};

struct Bars {
  std::vector<std::string> names;
  std::vector<std::string> looks;
  std::vector<Bar> bars;
  bool stacked = false;  // else beside one another
};

struct Plot {
  std::string id;
  std::string title;
  std::string what;  // what y is: "calls per 0.5 s"
  double x_end = 0;  // seconds
  Unit unit = Unit::kCount;
  std::vector<Line> lines;
  Bars bars;
  std::string nothing;  // what to say if there is nothing to draw
};

// A <figure>. Its <svg> tells the ends of its axes as data-x-end and data-y-end.
std::string draw(const Plot& plot);

}  // namespace llmq::cli

#endif  // LLMQ_CLI_REPORT_PLOT_H_
