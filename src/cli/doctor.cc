#include "cli/doctor.h"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <utility>

#include "base/json.h"
#include "cli/doctor_checks.h"
#include "cli/handles.h"
#include "cli/settings.h"

namespace llmq::cli {
namespace {

struct Report {
  std::string model;  // "" = of what all models have in common
  Checks checks;
};

// False: there is nothing to go on with.
bool check_config(const DoctorOptions& options, std::unique_ptr<Settings>* settings,
                  Report& report) {
  const std::string of = options.config.empty() ? "" : options.config + ": ";
  try {
    *settings = std::make_unique<Settings>(options.calls, options.config);
  } catch (const Failure& failure) {
    report.checks.push_back({"config", Verdict::kFail, failure.what(), "mend what is named"});
    return false;
  }
  const size_t models = (*settings)->models().size();
  report.checks.push_back({"config", Verdict::kOk,
                           of + "reads, " + std::to_string(models) +
                               (models == 1 ? " model is named" : " models are named"),
                           ""});
  return true;
}

// `name` is "" of a model's only deployment; `probe` is what llmq_probe_json told of it.
Report judge(const Settings& settings, const std::string& model, const std::string& name,
             const cJSON* probe) {
  Report report{name.empty() ? model : model + ", deployment " + name, {}};
  const std::string prefix =
      "model." + model + "." + (name.empty() ? "" : "deployments." + name + ".");
  Probed probed;
  probed.model = model;
  probed.provider = settings.get(prefix + "provider");
  probed.limits = settings.get(prefix + "limits");
  probed.ca_file = settings.get(prefix + "ca_file");
  probed.client_cert_file = settings.get(prefix + "client_cert_file");
  probed.client_key_file = settings.get(prefix + "client_key_file");
  probed.now_unix_s = static_cast<int64_t>(std::time(nullptr));
  add_checks(probed, probe, report.checks);
  return report;
}

std::vector<Report> look_at(const Settings& settings, const std::string& model,
                            const DoctorOptions& options) {
  std::string fault;
  const Conf conf = settings.with_model(model, fault);
  if (!fault.empty()) throw Failure(fault);
  const uint32_t flags = (options.offline ? uint32_t{LLMQ_PROBE_CONNECT_ONLY} : 0) |
                         (options.embeddings ? uint32_t{LLMQ_PROBE_EMBEDDINGS} : 0);
  char* text = nullptr;
  llmq_error_t* error = nullptr;
  const llmq_status_t status =
      llmq_probe_json(conf.get(), model.data(), model.size(), flags, &text, nullptr, &error);
  const Text own_text(text);
  const ErrorHandle own_error(error);
  if (status != LLMQ_OK) {
    return {{model,
             {{"settings", Verdict::kFail, error_text(error, status),
               "mend " + std::string(llmq_error_key(error))}}}};
  }
  const base::Json probe(cJSON_Parse(text));
  const cJSON* const list = cJSON_GetObjectItemCaseSensitive(probe.get(), "deployments");
  if (list == nullptr) return {judge(settings, model, "", probe.get())};
  std::vector<Report> reports;
  const cJSON* one = nullptr;
  cJSON_ArrayForEach(one, list) {
    const cJSON* const name = cJSON_GetObjectItemCaseSensitive(one, "name");
    reports.push_back(judge(settings, model, name->valuestring, one));
  }
  return reports;
}

void print_text(const std::vector<Report>& reports) {
  for (const Report& report : reports) {
    if (!report.model.empty()) std::printf("model %s\n", report.model.c_str());
    for (const Check& check : report.checks) {
      std::printf("  %-4s  %-16s  %s\n", verdict_name(check.verdict), check.name.c_str(),
                  check.found.c_str());
      if (!check.mend.empty()) std::printf("  %-4s  %-16s  -> %s\n", "", "", check.mend.c_str());
    }
  }
}

void print_json(const std::vector<Report>& reports, bool ok) {
  const base::Json made(cJSON_CreateObject());
  cJSON_AddBoolToObject(made.get(), "ok", ok ? 1 : 0);
  cJSON* const list = cJSON_AddArrayToObject(made.get(), "checks");
  for (const Report& report : reports) {
    for (const Check& check : report.checks) {
      cJSON* const one = cJSON_CreateObject();
      cJSON_AddItemToArray(list, one);
      if (report.model.empty()) {
        cJSON_AddNullToObject(one, "model");
      } else {
        cJSON_AddStringToObject(one, "model", report.model.c_str());
      }
      cJSON_AddStringToObject(one, "check", check.name.c_str());
      cJSON_AddStringToObject(one, "result", verdict_name(check.verdict));
      cJSON_AddStringToObject(one, "found", check.found.c_str());
      cJSON_AddStringToObject(one, "mend", check.mend.c_str());
    }
  }
  std::printf("%s\n", base::json_text(made.get()).c_str());
}

bool has_failed(const Report& report) {
  return std::any_of(report.checks.begin(), report.checks.end(),
                     [](const Check& check) { return check.verdict == Verdict::kFail; });
}

}  // namespace

int run_doctor(const DoctorOptions& options) {
  std::vector<Report> reports(1);
  std::unique_ptr<Settings> settings;
  if (check_config(options, &settings, reports.front())) {
    std::vector<std::string> models = options.models;
    if (models.empty()) models = settings->models();
    if (models.empty()) {
      reports.front().checks.push_back({"model", Verdict::kFail, "the configuration names no model",
                                        "name one that the provider has with --model"});
    }
    for (const std::string& model : models) {
      for (Report& report : look_at(*settings, model, options))
        reports.push_back(std::move(report));
    }
  }
  const bool ok = std::none_of(reports.begin(), reports.end(), has_failed);
  options.json ? print_json(reports, ok) : print_text(reports);
  return ok ? kExitOk : kExitSetUp;
}

}  // namespace llmq::cli
