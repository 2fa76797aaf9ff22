#include "cli/explain.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/json.h"
#include "cli/handles.h"
#include "cli/line_reader.h"

namespace llmq::cli {
namespace {

void print_line(const char* text) {
  if (std::fputs(text, stdout) < 0 || std::fputc('\n', stdout) == EOF) {
    throw Failure(std::string("stdout: ") + std::strerror(errno));
  }
}

void print_error(uint64_t line, llmq_status_t status, const char* key, const char* message) {
  const base::Json made(cJSON_CreateObject());
  base::add_number(made.get(), "line", static_cast<int64_t>(line));
  cJSON* const error = cJSON_AddObjectToObject(made.get(), "error");
  cJSON_AddStringToObject(error, "code", llmq_status_name(status));
  cJSON_AddStringToObject(error, "key", key);
  cJSON_AddStringToObject(error, "message", message);
  print_line(base::json_text(made.get()).c_str());
}

// False if the line is wrong.
bool explain_line(const Line& line, const std::string& provider) {
  if (line.too_long) {
    const std::string message = "longer than " + std::to_string(kMaxLineBytes) + " bytes";
    print_error(line.number, LLMQ_ERR_INVALID_VALUE, "line", message.c_str());
    return false;
  }
  char* text = nullptr;
  llmq_error_t* error = nullptr;
  const llmq_status_t status = llmq_explain_json(provider.data(), provider.size(), line.text.data(),
                                                 line.text.size(), &text, nullptr, &error);
  const Text own_text(text);
  const ErrorHandle own_error(error);
  if (status == LLMQ_OK) {
    print_line(text);
    return true;
  }
  if (status != LLMQ_ERR_INVALID_VALUE) expect_ok(status);
  print_error(line.number, status, llmq_error_key(error), llmq_error_message(error));
  return false;
}

int open_input(const std::string& path) {
  if (path == "-") return STDIN_FILENO;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw Failure(path + ": " + std::strerror(errno));
  return fd;
}

}  // namespace

int explain_file(const std::string& path, const std::string& provider) {
  const int input = open_input(path);
  LineReader reader(input);
  Line line;
  bool all_good = true;
  for (;;) {
    if (reader.next(line)) {
      if (!is_blank(line.text)) all_good = explain_line(line, provider) && all_good;
    } else if (reader.ended()) {
      break;
    } else {
      reader.read_more();
    }
  }
  if (input != STDIN_FILENO) ::close(input);
  if (std::fflush(stdout) != 0) throw Failure(std::string("stdout: ") + std::strerror(errno));
  return all_good ? kExitOk : kExitSomeFailed;
}

}  // namespace llmq::cli
