// What a probe of a provider amounts to, check by check.
#ifndef LLMQ_CLI_DOCTOR_CHECKS_H_
#define LLMQ_CLI_DOCTOR_CHECKS_H_

#include <cjson/cJSON.h>

#include <cstdint>
#include <string>
#include <vector>

namespace llmq::cli {

enum class Verdict : uint8_t {
  kOk,
  kWarn,
  kFail,
  kSkip,  // an earlier failure, or --offline, left nothing to look at
};

struct Check {
  std::string name;
  Verdict verdict = Verdict::kOk;
  std::string found;
  std::string mend;  // what to do; "" if there is nothing to do
};
using Checks = std::vector<Check>;

const char* verdict_name(Verdict verdict);

// Settings of the model that a probe does not repeat.
struct Probed {
  std::string model;
  std::string provider;
  std::string limits;  // as configured, by hand or by a preset: "requests=500/1m;tokens=30000/1m"
  std::string ca_file;
  std::string client_cert_file;
  std::string client_key_file;
  int64_t now_unix_s = 0;
};

// `probe` is what llmq_probe_json gave.
void add_checks(const Probed& probed, const cJSON* probe, Checks& checks);

}  // namespace llmq::cli

#endif  // LLMQ_CLI_DOCTOR_CHECKS_H_
