// `llmq doctor`: can the configured providers be reached, and if not, what is to be mended?
#ifndef LLMQ_CLI_DOCTOR_H_
#define LLMQ_CLI_DOCTOR_H_

#include <string>
#include <vector>

#include "cli/flags.h"

namespace llmq::cli {

struct DoctorOptions {
  CallFlags calls;
  std::string config;
  std::vector<std::string> models;  // empty = those of the configuration
  bool embeddings = false;          // ask for an embedding
  bool offline = false;             // send no request
  bool json = false;
};

// Prints one line for each check. Exit code 1 if one of them failed.
int run_doctor(const DoctorOptions& options);

}  // namespace llmq::cli

#endif  // LLMQ_CLI_DOCTOR_H_
