#include "cli/dry_run.h"

#include <cmath>
#include <cstdio>
#include <unordered_set>

#include "base/json.h"
#include "cli/batch_line.h"
#include "cli/budget.h"
#include "cli/handles.h"
#include "cli/id_table.h"
#include "cli/line_reader.h"
#include "cli/run_files.h"
#include "cli/settings.h"

namespace llmq::cli {
namespace {

constexpr size_t kMaxModels = 1000;
constexpr uint64_t kMostShown = 10;  // bad lines

class DryRun {
 public:
  explicit DryRun(const Settings& settings) : settings_(settings) {
    llmq_plan_t* plan = nullptr;
    expect_ok_from(
        [&](llmq_error_t** error) { return llmq_plan_create(settings.conf(), &plan, error); });
    plan_.reset(plan);
    for (const std::string& model : settings.models()) models_.insert(model);
  }

  void read(int input) {
    LineReader reader(input);
    Line line;
    for (;;) {
      if (reader.next(line)) {
        if (!is_blank(line.text)) take(line);
      } else if (reader.ended()) {
        return;
      } else {
        reader.read_more();
      }
    }
  }

  base::Json report() {
    char* text = nullptr;
    expect_ok(llmq_plan_run(plan_.get(), &text, nullptr));
    const Text own(text);
    base::Json json(cJSON_Parse(text));
    base::add_number(json.get(), "lines", static_cast<int64_t>(lines_));
    base::add_number(json.get(), "bad", static_cast<int64_t>(bad_));
    return json;
  }

  uint64_t lines() const { return lines_; }
  uint64_t bad() const { return bad_; }

 private:
  void take(const Line& line) {
    ++lines_;
    BatchLine batch;
    std::string fault = line.too_long
                            ? "it has more than " + std::to_string(kMaxLineBytes >> 20U) + " MiB"
                            : parse_batch_line(line.text, batch);
    if (fault.empty()) {
      const uint64_t first = ids_.add(batch.custom_id, line.number);
      if (first != 0) {
        fault = "custom_id " + batch.custom_id_raw + " was used before, on line " +
                std::to_string(first);
      }
    }
    if (fault.empty()) fault = know_model(batch.model);
    if (fault.empty()) fault = add(batch);
    if (fault.empty()) return;
    if (++bad_ > kMostShown) return;
    std::fprintf(stderr, "llmq: line %llu: %s\n", static_cast<unsigned long long>(line.number),
                 fault.c_str());
  }

  std::string know_model(const std::string& model) {
    if (models_.count(model) != 0) return "";
    if (model.size() > 255) return "body.model has more than 255 bytes";
    if (!settings_.takes_any_model()) return "model \"" + model + "\" is not in the configuration";
    if (models_.size() >= kMaxModels) {
      return "more than " + std::to_string(kMaxModels) + " different models";
    }
    std::string fault;
    const Conf conf = settings_.with_model(model, fault);
    if (!fault.empty()) return "body.model: " + fault;
    expect_ok_from(
        [&](llmq_error_t** error) { return llmq_plan_add_models(plan_.get(), conf.get(), error); });
    models_.insert(model);
    return "";
  }

  std::string add(const BatchLine& line) {
    const llmq_request_t request = request_of(line);
    llmq_error_t* error = nullptr;
    const llmq_status_t status = llmq_plan_add(plan_.get(), &request, &error);
    const ErrorHandle own(error);
    if (status == LLMQ_OK) return "";
    if (status == LLMQ_ERR_NOMEM) throw Failure("out of memory");
    return error_text(error, status);
  }

  const Settings& settings_;
  PlanHandle plan_;
  std::unordered_set<std::string> models_;
  IdTable ids_;
  uint64_t lines_ = 0;
  uint64_t bad_ = 0;  // oversize ones too
};

double number(const cJSON* json, const char* name) {
  const cJSON* item = cJSON_GetObjectItemCaseSensitive(json, name);
  return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

std::string bound_text(const cJSON* json) {
  const cJSON* bound = cJSON_GetObjectItemCaseSensitive(json, "bound_by");
  return cJSON_IsString(bound) ? std::string("bound by ") + bound->valuestring
                               : "no limit makes it longer";
}

// Requests, tokens, cost, time: of all, or of one model.
void print(const cJSON* json, bool priced, const char* indent) {
  std::printf("%srequests   %.0f", indent, number(json, "requests"));
  if (number(json, "oversize") > 0) {
    std::printf(", and %.0f larger than a limit", number(json, "oversize"));
  }
  std::printf("\n%stokens     %.0f in + %.0f out at most\n", indent, number(json, "input_tokens"),
              number(json, "output_tokens"));
  if (priced) std::printf("%scost       %.6g at most\n", indent, number(json, "cost"));
  const double unfinished = number(json, "unfinished");
  if (unfinished > 0) {
    std::printf("%stime       more than a century, %s\n", indent, bound_text(json).c_str());
    return;
  }
  std::printf("%stime       %.2f minutes, %s\n", indent, number(json, "duration_ms") / 60'000,
              bound_text(json).c_str());
}

}  // namespace

int dry_run(const RunOptions& options) {
  if (options.resume) {
    throw Failure("--dry-run plans the whole input: it does not go with --resume");
  }
  if (!options.report.empty()) {
    throw Failure("--report tells of calls, and --dry-run makes none: it goes with --summary");
  }
  const Settings settings(options.calls, options.config);
  const Budget budget(options.max_cost);
  const Input input(options.input);
  if (input.empty()) throw Failure("input " + options.input + " is empty");
  if (input.is_same_file(options.summary)) {
    throw Failure("summary " + options.summary + " is the input itself");
  }
  LateFile summary_file("summary", options.summary);
  DryRun run(settings);
  run.read(input.fd());
  if (run.lines() == 0) throw Failure("input " + options.input + " holds no requests");
  const base::Json report = run.report();
  if (run.bad() > kMostShown) {
    std::fprintf(stderr, "llmq: and %llu more lines that would fail\n",
                 static_cast<unsigned long long>(run.bad() - kMostShown));
  }
  std::printf("lines      %llu, bad %llu\n", static_cast<unsigned long long>(run.lines()),
              static_cast<unsigned long long>(run.bad()));
  const cJSON* list = cJSON_GetObjectItemCaseSensitive(report.get(), "models");
  bool priced = settings.has_prices("*");
  for (const std::string& model : settings.models()) priced = priced || settings.has_prices(model);
  print(report.get(), priced, "");
  if (budget.bounded() && !budget.fits(std::llround(number(report.get(), "cost") * 1e6))) {
    std::printf("budget     passes --max-cost %s: the run may stop before its end\n",
                options.max_cost->c_str());
  }
  const cJSON* model = nullptr;
  if (cJSON_GetArraySize(list) > 1) {
    cJSON_ArrayForEach(model, list) {
      const cJSON* name = cJSON_GetObjectItemCaseSensitive(model, "model");
      std::printf("model %s\n", name->valuestring);
      print(model, priced, "  ");
    }
  }
  summary_file.write(base::json_text(report.get()) + "\n");
  return run.bad() > 0 ? kExitSomeFailed : kExitOk;
}

}  // namespace llmq::cli
