#include "cli/report_page.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <vector>

#include "base/money.h"
#include "cli/report_data.h"
#include "cli/report_plot.h"

namespace llmq::cli {
namespace {

constexpr size_t kMaxGroups = 60;  // bars and dots that one can tell apart
constexpr size_t kMaxLoadPlots = 24;

constexpr const char* kStyle = R"(
:root { color-scheme: light dark; --page: #ffffff; --card: #f6f7f9; --ink: #1b2330; --dim: #566072;
  --grid: #dde1e8; --a: #2563eb; --b: #d9730d; --good: #2b9348; --bad: #8b5cf6; --limit: #d11a2a; }
@media (prefers-color-scheme: dark) {
  :root { --page: #12161c; --card: #1b212a; --ink: #e6e9ee; --dim: #9aa4b4; --grid: #313a47;
    --a: #6ea8fe; --b: #ffa94d; --good: #5fd38d; --bad: #b79cff; --limit: #ff6b6b; } }
body { margin: 0 auto; max-width: 1200px; padding: 24px; background: var(--page); color: var(--ink);
  font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 24px; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 28px 0 10px; }
.note { color: var(--dim); margin: 0 0 12px; overflow-wrap: anywhere; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 460px), 1fr));
  gap: 16px; }
figure { margin: 0; padding: 12px 14px; background: var(--card); border-radius: 8px; min-width: 0; }
figcaption { color: var(--dim); font-size: 13px; overflow-wrap: anywhere; }
figcaption b { color: var(--ink); font-size: 15px; margin-right: 6px; }
.legend { margin: 2px 0 4px; font-size: 12px; color: var(--dim); }
.legend span { margin-right: 14px; white-space: nowrap; }
.legend i { display: inline-block; width: 14px; height: 4px; margin-right: 5px;
  vertical-align: middle; background: currentColor; }
.nothing { color: var(--dim); padding: 40px 0; text-align: center; margin: 0; }
svg { display: block; width: 100%; height: auto; font-size: 11px; }
svg text { fill: var(--dim); }
.grid { stroke: var(--grid); } .axis { stroke: var(--dim); }
.a { color: var(--a); } .b { color: var(--b); } .good { color: var(--good); }
.bad { color: var(--bad); } .limit { color: var(--limit); }
.line { fill: none; stroke: currentColor; stroke-width: 1.6; stroke-linejoin: round; }
.line.limit { stroke-dasharray: 6 4; }
.fill { fill: currentColor; fill-opacity: 0.16; } .bar, .dot { fill: currentColor; }
.scroll { overflow-x: auto; margin-top: 14px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 18px 4px 0; text-align: left; border-bottom: 1px solid var(--grid); }
th { font-weight: 600; color: var(--dim); } td.n { text-align: right; }
#totals { columns: 2 360px; column-gap: 40px; }
#totals div { display: flex; justify-content: space-between; break-inside: avoid; padding: 4px 0;
  border-bottom: 1px solid var(--grid); }
#totals dt { color: var(--dim); } #totals dd { margin: 0; font-variant-numeric: tabular-nums; }
)";

double seconds(int64_t ns) { return static_cast<double>(ns) / 1e9; }

// Bins that are drawn as one.
struct Group {
  double from;
  double to;
  ReportBin sum;
};

std::vector<Group> groups_of(const ReportSamples& samples) {
  const std::vector<ReportBin>& bins = samples.bins();
  const size_t size = std::max<size_t>((bins.size() + kMaxGroups - 1) / kMaxGroups, 1);
  std::vector<Group> groups;
  for (size_t i = 0; i < bins.size(); ++i) {
    if (i % size == 0) {
      const double from = seconds(static_cast<int64_t>(i) * samples.bin_ns());
      groups.push_back({from, from + seconds(static_cast<int64_t>(size) * samples.bin_ns()), {}});
    }
    groups.back().sum.merge(bins[i]);
  }
  return groups;
}

// A page of plots with one axis of time.
class Page {
 public:
  Page(const Summary& summary, const ReportSamples& samples)
      : summary_(summary), samples_(samples), groups_(groups_of(samples)) {
    end_ = seconds(std::max(samples.length_ns(), samples.bin_ns() / 10));
    per_ = groups_.empty() ? "" : number_text(groups_[0].to - groups_[0].from, Unit::kSeconds);
  }

  std::string loads() const;
  std::string answers() const;
  std::string trouble() const;
  std::string times(const char* id, const char* title, const char* what,
                    BinTimes ReportBin::*member) const;
  std::string cost() const;

 private:
  Plot plot(std::string id, std::string title, std::string what) const {
    Plot plot;
    plot.id = std::move(id);
    plot.title = std::move(title);
    plot.what = std::move(what);
    plot.x_end = end_;
    return plot;
  }
  std::string load(size_t place, const LimitSeries& series) const;
  template <typename Values>
  void add_bars(Plot& plot, Values values) const {
    for (const Group& group : groups_) {
      std::vector<double> all = values(group.sum);
      if (std::all_of(all.begin(), all.end(), [](double value) { return value == 0; })) continue;
      plot.bars.bars.push_back({group.from, group.to, std::move(all)});
    }
  }

  const Summary& summary_;
  const ReportSamples& samples_;
  std::vector<Group> groups_;
  double end_;
  std::string per_;  // what a group lasts
};

std::string Page::load(size_t place, const LimitSeries& series) const {
  Plot out = plot("load-" + std::to_string(place), series.name.owner, series.name.limit);
  out.unit = series.name.money ? Unit::kMoney : Unit::kCount;
  out.nothing = "It was not looked at.";
  std::vector<Point> load;
  std::vector<Point> limit;
  for (size_t i = 0; i < series.loads.size(); ++i) {
    const LimitLoad& at = series.loads[i];
    if (at.load < 0) continue;
    const double x = seconds(static_cast<int64_t>(i) * samples_.bin_ns());
    load.push_back({x, at.load});
    limit.push_back({x, at.effective});
  }
  if (!load.empty()) {  // bins say what was highest until their end
    load.push_back({end_, load.back().y});
    limit.push_back({end_, limit.back().y});
  }
  out.lines.push_back({"load: charged and reserved", "a", {std::move(load)}, true, false});
  out.lines.push_back({"limit as enforced", "limit", {std::move(limit)}, false, false});
  return draw(out);
}

// Those that came closest to their limit first.
std::string Page::loads() const {
  std::vector<const LimitSeries*> order;
  for (const LimitSeries& series : samples_.limits()) order.push_back(&series);
  std::stable_sort(order.begin(), order.end(), [](const LimitSeries* a, const LimitSeries* b) {
    return a->peak_share() > b->peak_share();
  });
  std::string out = "<h2>Load against each limit</h2>\n";
  if (order.empty()) return out + "<p class=\"note\">There were no limits.</p>\n";
  if (order.size() > kMaxLoadPlots || samples_.limits_left_out()) {
    out += "<p class=\"note\">The " + std::to_string(std::min(order.size(), kMaxLoadPlots)) +
           " limits that were used most, of " + (samples_.limits_left_out() ? "more than " : "") +
           std::to_string(order.size()) + ".</p>\n";
    order.resize(std::min(order.size(), kMaxLoadPlots));
  }
  out += "<div class=\"plots\">\n";
  for (size_t i = 0; i < order.size(); ++i) out += load(i, *order[i]);
  out +=
      "</div>\n<div class=\"scroll\"><table id=\"limits\"><tr><th>limit</th><th>of</th>"
      "<th>as set</th><th>enforced at the peak</th><th>highest load</th><th>share</th></tr>\n";
  for (const LimitSeries* series : order) {
    const LimitLoad peak = series->peak();
    const auto cell = [&out](const std::string& text) {
      out += "<td class=\"n\">" + text + "</td>";
    };
    out += "<tr><td>" + escape_html(series->name.limit) + "</td><td>" +
           escape_html(series->name.owner) + "</td>";
    cell(number_text(series->amount, Unit::kMoney));
    cell(number_text(peak.effective, Unit::kMoney));
    cell(number_text(std::max(peak.load, 0.0), Unit::kMoney));
    cell(number_text(series->peak_share() * 100, Unit::kCount) + " %");
    out += "</tr>\n";
  }
  return out + "</table></div>\n";
}

std::string Page::answers() const {
  Plot out = plot("answers", "Answers", "per " + per_);
  out.bars = {{"completed", "failed or left"}, {"good", "bad"}, {}, true};
  out.nothing = "No call was answered.";
  add_bars(out, [](const ReportBin& sum) -> std::vector<double> {
    return {static_cast<double>(sum.completed), static_cast<double>(sum.failed)};
  });
  return draw(out);
}

std::string Page::trouble() const {
  Plot out = plot("trouble", "429s and retries", "per " + per_);
  out.bars = {{"429s", "retries"}, {"limit", "b"}, {}, false};
  out.nothing = "There was neither a 429 nor a retry.";
  add_bars(out, [](const ReportBin& sum) -> std::vector<double> {
    return {static_cast<double>(sum.http_429), static_cast<double>(sum.retries)};
  });
  return draw(out);
}

std::string Page::times(const char* id, const char* title, const char* what,
                        BinTimes ReportBin::*member) const {
  Plot out = plot(id, title, what);
  out.unit = Unit::kSeconds;
  out.nothing = "No call was answered.";
  std::vector<std::vector<Point>> half(1);
  std::vector<std::vector<Point>> most(1);
  for (const Group& group : groups_) {
    const BinTimes& times = group.sum.*member;
    if (times.empty()) {
      if (half.back().empty()) continue;
      half.emplace_back();
      most.emplace_back();
      continue;
    }
    const double x = (group.from + std::min(group.to, end_)) / 2;
    half.back().push_back({x, times.quantile_ms(0.5) / 1000});
    most.back().push_back({x, times.quantile_ms(0.99) / 1000});
  }
  out.lines.push_back({"half of them at most (p50)", "a", std::move(half), false, true});
  out.lines.push_back({"99 of 100 at most (p99)", "b", std::move(most), false, true});
  return draw(out);
}

std::string Page::cost() const {
  Plot out = plot("cost", "Cost", "in the unit of the prices, since the start");
  out.unit = Unit::kMoney;
  out.nothing = "Nothing that has a price was used.";
  if (samples_.totals().cost_micros != 0) {
    std::vector<Point> spent{{0, 0}};
    int64_t micros = 0;
    for (size_t i = 0; i < samples_.bins().size(); ++i) {
      micros += samples_.bins()[i].cost_micros;
      const double x = seconds(static_cast<int64_t>(i + 1) * samples_.bin_ns());
      spent.push_back({std::min(x, end_), static_cast<double>(micros) / base::kMicros});
    }
    out.lines.push_back({"spent", "a", {std::move(spent)}, true, false});
    if (summary_.max_cost_micros >= 0) {
      const double most = static_cast<double>(summary_.max_cost_micros) / base::kMicros;
      out.lines.push_back({"--max-cost", "limit", {{{0, most}, {end_, most}}}, false, false});
    }
  }
  return draw(out);
}

// `exact` is for programs.
std::string total(const char* id, const char* name, const std::string& shown,
                  const std::string& exact) {
  return "<div><dt>" + std::string(name) + "</dt><dd id=\"total-" + id + "\" data-value=\"" +
         exact + "\">" + shown + "</dd></div>\n";
}

std::string exact_text(double value) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%.6f", value);
  return text.data();
}

std::string totals(const Summary& s, const ReportSamples& samples) {
  std::string out = "<h2>Totals</h2>\n<dl id=\"totals\">\n";
  const auto count = [&out](const char* id, const char* name, auto value) {
    const std::string text = std::to_string(value);
    out += total(id, name, text, text);
  };
  const auto time = [&out](const char* id, const char* name, double ms) {
    out += total(id, name, number_text(ms / 1000, Unit::kSeconds), exact_text(ms));
  };
  count("completed", "completed", s.completed);
  count("failed", "failed", s.failed);
  count("skipped", "skipped: were there already", s.skipped);
  count("left", "left for --resume", s.left);
  count("attempts", "calls", s.attempts);
  count("retries", "retries", s.retries);
  count("http_429", "429s", s.http_429);
  count("input_tokens", "input tokens", s.input_tokens);
  count("output_tokens", "output tokens", s.output_tokens);
  if (s.reasoning_tokens > 0) {
    count("reasoning_tokens", "of them reasoning", s.reasoning_tokens);
  }
  const auto money = [&out](const char* id, const char* name, int64_t micros) {
    const std::string text = base::money_text(micros);
    out += total(id, name, text, text);
  };
  money("cost", "cost", s.cost_micros);
  if (s.max_cost_micros >= 0) money("max_cost", "at most (--max-cost)", s.max_cost_micros);
  time("elapsed_ms", "time", static_cast<double>(s.elapsed_ms));
  time("ideal_ms", "least time under the limits", static_cast<double>(s.ideal_ms));
  time("wait_p50_ms", "wait, p50", s.waits.quantile_ms(0.5));
  time("wait_p99_ms", "wait, p99", s.waits.quantile_ms(0.99));
  time("latency_p50_ms", "latency, p50", samples.latencies().quantile_ms(0.5));
  time("latency_p99_ms", "latency, p99", samples.latencies().quantile_ms(0.99));
  if (!s.first_outputs.empty()) {
    time("ttft_p50_ms", "time to first output, p50", s.first_outputs.quantile_ms(0.5));
    time("ttft_p99_ms", "time to first output, p99", s.first_outputs.quantile_ms(0.99));
  }
  return out + "</dl>\n";
}

}  // namespace

std::string utc_text(int64_t seconds) {
  const auto at = static_cast<std::time_t>(seconds);
  std::tm parts{};
  std::array<char, 64> text{};
  if (::gmtime_r(&at, &parts) == nullptr) return "";
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
  return text.data();
}

std::string report_page(const ReportHead& head, const Summary& summary,
                        const ReportSamples& samples) {
  const Page page(summary, samples);
  std::string out =
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
      "style-src 'unsafe-inline'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>llmq run " +
      escape_html(head.input) + "</title>\n<style>" + kStyle +
      "</style></head><body>\n<h1>llmq run " + escape_html(head.input) +
      "</h1>\n<p class=\"note\">Started " + escape_html(head.started) + ", results in " +
      escape_html(head.output) + ".";
  if (!head.ended.empty()) out += " Ended early: " + escape_html(head.ended) + ".";
  out += "</p>\n" + totals(summary, samples);
  out += page.loads();
  out += "<h2>Calls</h2>\n<div class=\"plots\">\n";
  out += page.answers() + page.trouble();
  out += page.times("waits", "Waits",
                    "from submit to the start of the last call, by time of the answer",
                    &ReportBin::waits);
  out +=
      page.times("latencies", "Latencies", "of the last call of each answer, by time of the answer",
                 &ReportBin::latencies);
  out += page.cost() + "</div>\n<script type=\"application/json\" id=\"samples\">" +
         report_data(samples) + "</script>\n</body></html>\n";
  return out;
}

}  // namespace llmq::cli
