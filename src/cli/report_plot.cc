#include "cli/report_plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace llmq::cli {
namespace {

constexpr double kWidth = 560;
constexpr double kHeight = 220;
constexpr double kLeft = 62;  // where the axes meet
constexpr double kRight = kWidth - 16;
constexpr double kTop = 10;
constexpr double kBottom = kHeight - 40;
constexpr int kYTicks = 5;  // at most so many steps
constexpr int kXTicks = 7;

std::string printed(const char* pattern, double value) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), pattern, value);
  return text.data();
}

std::string coordinate(double value) { return printed("%.1f", value); }

// 1, 2 or 5 times a power of ten.
double round_step(double least) {
  const double power = std::pow(10, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= least * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

// The same for a clock: half a minute, a quarter of an hour.
double time_step(double least) {
  constexpr std::array<double, 14> kSteps{10,  15,   30,   60,   120,   300,   600,
                                          900, 1800, 3600, 7200, 10800, 21600, 43200};
  if (least <= 5) return round_step(least);
  for (const double step : kSteps) {
    if (step >= least) return step;
  }
  return 86400 * round_step(std::max(least / 86400, 1.0));
}

double step_for(double end, Unit unit, int ticks) {
  const double least = end / ticks;
  if (unit == Unit::kSeconds) return time_step(least);
  return unit == Unit::kCount ? std::max(round_step(least), 1.0) : round_step(least);
}

std::string time_text(double seconds) {
  if (seconds == 0) return "0";
  if (seconds < 0.9995) return printed("%.3g ms", seconds * 1000);
  if (seconds < 120) return printed("%.3g s", seconds);
  if (seconds < 7200) return printed("%.3g min", seconds / 60);
  if (seconds < 2 * 86400) return printed("%.3g h", seconds / 3600);
  return printed("%.3g d", seconds / 86400);
}

std::string count_text(double value) {
  constexpr std::array<const char*, 5> kPatterns{"%.4g", "%.4gk", "%.4gM", "%.4gG", "%.4gT"};
  size_t power = 0;
  while (std::fabs(value) >= 1000 && power + 1 < kPatterns.size()) {
    value /= 1000;
    ++power;
  }
  return printed(kPatterns[power], value);
}

// Where values are on the picture.
struct Scale {
  double x_end;
  double y_end;
  double x(double value) const {
    return kLeft + (kRight - kLeft) * std::clamp(value / x_end, 0.0, 1.0);
  }
  double y(double value) const {
    return kBottom - (kBottom - kTop) * std::clamp(value / y_end, 0.0, 1.0);
  }
};

double highest(const Plot& plot) {
  double most = 0;
  for (const Line& line : plot.lines) {
    for (const std::vector<Point>& piece : line.pieces) {
      for (const Point& point : piece) most = std::max(most, point.y);
    }
  }
  for (const Bar& bar : plot.bars.bars) {
    double sum = 0;
    for (const double value : bar.values) {
      sum = plot.bars.stacked ? sum + value : std::max(sum, value);
    }
    most = std::max(most, sum);
  }
  return most;
}

std::string svg_line(double x1, double y1, double x2, double y2, const char* look) {
  return "<line class=\"" + std::string(look) + "\" x1=\"" + coordinate(x1) + "\" y1=\"" +
         coordinate(y1) + "\" x2=\"" + coordinate(x2) + "\" y2=\"" + coordinate(y2) + "\"/>";
}

std::string svg_text(double x, double y, const char* anchor, const std::string& text) {
  return "<text x=\"" + coordinate(x) + "\" y=\"" + coordinate(y) + "\" text-anchor=\"" + anchor +
         "\">" + escape_html(text) + "</text>";
}

std::string axes(const Scale& scale, double x_step, double y_step, Unit unit) {
  std::string out;
  for (int i = 0; i * y_step <= scale.y_end * (1 + 1e-9); ++i) {
    const double y = scale.y(i * y_step);
    out += svg_line(kLeft, y, kRight, y, i == 0 ? "axis" : "grid");
    out += svg_text(kLeft - 6, y + 4, "end", number_text(i * y_step, unit));
  }
  for (int i = 0; i * x_step <= scale.x_end * (1 + 1e-9); ++i) {
    const double x = scale.x(i * x_step);
    out += svg_line(x, kBottom, x, kBottom + 4, "axis");
    const bool at_edge = i > 0 && x > kRight - 14;
    out += svg_text(at_edge ? kRight : x, kBottom + 18, at_edge ? "end" : "middle",
                    number_text(i * x_step, Unit::kSeconds));
  }
  return out + svg_text((kLeft + kRight) / 2, kHeight - 6, "middle", "time since the start") + "\n";
}

std::string places(const std::vector<Point>& piece, const Scale& scale) {
  std::string out;
  for (const Point& point : piece) {
    if (!out.empty()) out += ' ';
    out += coordinate(scale.x(point.x)) + "," + coordinate(scale.y(point.y));
  }
  return out;
}

std::string drawn(const Line& line, const Scale& scale, Unit unit) {
  std::string out;
  for (const std::vector<Point>& piece : line.pieces) {
    if (piece.empty()) continue;
    const std::string at = places(piece, scale);
    if (line.filled) {
      out += "<polygon class=\"fill " + line.look + "\" points=\"" +
             coordinate(scale.x(piece.front().x)) + "," + coordinate(kBottom) + " " + at + " " +
             coordinate(scale.x(piece.back().x)) + "," + coordinate(kBottom) + "\"/>\n";
    }
    out += "<polyline class=\"line " + line.look + "\" points=\"" + at + "\"/>\n";
    if (!line.dots) continue;
    for (const Point& point : piece) {
      out += "<circle class=\"dot " + line.look + "\" cx=\"" + coordinate(scale.x(point.x)) +
             "\" cy=\"" + coordinate(scale.y(point.y)) + "\" r=\"2\"><title>" +
             number_text(point.x, Unit::kSeconds) + ": " + escape_html(line.name) + " " +
             number_text(point.y, unit) + "</title></circle>\n";
    }
  }
  return out;
}

std::string drawn(const Bars& bars, const Scale& scale, Unit unit) {
  std::string out;
  for (const Bar& bar : bars.bars) {
    const double left = scale.x(bar.from);
    const double width = std::max((scale.x(bar.to) - left) * 0.9, 0.5);
    const auto beside = bars.stacked ? 1.0 : static_cast<double>(bar.values.size());
    double below = 0;
    for (size_t i = 0; i < bar.values.size(); ++i) {
      const double value = bar.values[i];
      if (value <= 0) continue;
      const double x = bars.stacked ? left : left + width / beside * static_cast<double>(i);
      const double top = scale.y(below + value);
      out += "<rect class=\"bar " + bars.looks[i] + "\" x=\"" + coordinate(x) + "\" y=\"" +
             coordinate(top) + "\" width=\"" + coordinate(width / beside) + "\" height=\"" +
             coordinate(scale.y(below) - top) + "\"><title>" +
             number_text(bar.from, Unit::kSeconds) + " to " + number_text(bar.to, Unit::kSeconds) +
             ": " + number_text(value, unit) + " " + escape_html(bars.names[i]) +
             "</title></rect>\n";
      if (bars.stacked) below += value;
    }
  }
  return out;
}

std::string legend(const Plot& plot) {
  std::string out = "<p class=\"legend\">";
  const auto entry = [&out](const std::string& name, const std::string& look) {
    out += "<span><i class=\"" + look + "\"></i>" + escape_html(name) + "</span> ";
  };
  for (const Line& line : plot.lines) entry(line.name, line.look);
  for (size_t i = 0; i < plot.bars.names.size(); ++i) entry(plot.bars.names[i], plot.bars.looks[i]);
  return out + "</p>\n";
}

bool is_empty(const Plot& plot) {
  return plot.bars.bars.empty() &&
         std::all_of(plot.lines.begin(), plot.lines.end(), [](const Line& line) {
           return std::all_of(line.pieces.begin(), line.pieces.end(),
                              [](const auto& piece) { return piece.empty(); });
         });
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string number_text(double value, Unit unit) {
  switch (unit) {
    case Unit::kSeconds:
      return time_text(value);
    case Unit::kMoney:
      return printed("%.6g", value);
    case Unit::kCount:
      break;
  }
  return count_text(value);
}

std::string draw(const Plot& plot) {
  std::string out = "<figure id=\"" + escape_html(plot.id) + "\"><figcaption><b>" +
                    escape_html(plot.title) + "</b> " + escape_html(plot.what) + "</figcaption>\n";
  if (is_empty(plot)) {
    return out + "<p class=\"nothing\">" + escape_html(plot.nothing) + "</p></figure>\n";
  }
  const double most = highest(plot);
  const double y_least = most > 0 ? most : 1;
  const double y_step = step_for(y_least, plot.unit, kYTicks);
  const double x_end = plot.x_end > 0 ? plot.x_end : 1;
  const Scale scale{x_end, y_step * std::ceil(y_least / y_step - 1e-9)};
  out += legend(plot);
  out += "<svg viewBox=\"0 0 " + printed("%.0f", kWidth) + " " + printed("%.0f", kHeight) +
         "\" role=\"img\" aria-label=\"" + escape_html(plot.title + ": " + plot.what) +
         "\" data-x-end=\"" + printed("%.9g", scale.x_end) + "\" data-y-end=\"" +
         printed("%.9g", scale.y_end) + "\">\n";
  out += axes(scale, step_for(scale.x_end, Unit::kSeconds, kXTicks), y_step, plot.unit);
  out += drawn(plot.bars, scale, plot.unit);
  for (const Line& line : plot.lines) out += drawn(line, scale, plot.unit);
  return out + "</svg></figure>\n";
}

}  // namespace llmq::cli
