// Runs the llmq program and its mock provider as processes, in a directory of the test's own.
#ifndef LLMQ_TESTS_INTEGRATION_PROGRAM_H_
#define LLMQ_TESTS_INTEGRATION_PROGRAM_H_

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "base/json.h"

namespace llmq::test {

using Arguments = std::vector<std::string>;

// A directory that is gone with the object.
class Directory {
 public:
  Directory();
  ~Directory();
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  std::string path(const std::string& name) const { return root_ + "/" + name; }
  // Writes a file and returns its path.
  std::string write(const std::string& name, const std::string& text) const;
  std::string read(const std::string& name) const;
  bool has(const std::string& name) const;

 private:
  std::string root_;
};

// A child process whose standard streams are files in the directory.
class Program {
 public:
  using Environment =
      std::map<std::string, std::string>;  // added to the test's own, without LLMQ_ and OPENAI_

  Program(const Directory& directory, const Arguments& arguments,
          const Environment& environment = {}, const std::string& input = "",
          const std::string& output = "");  // "" = a file that out() reads
  ~Program();                               // kills what still runs
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void signal(int number) const;
  // Waits for the end; the exit code, or 128 + the signal that killed it.
  int wait();
  std::string out() const;
  std::string err() const;
  // Waits until a file of the directory, or "out" or "err" of this program, holds the text. False
  // if the program ends first.
  bool wait_for(const std::string& name, const std::string& text);

 private:
  std::string stream(const char* name) const { return name + std::to_string(number_); }

  const Directory& directory_;
  const int number_;
  pid_t pid_ = -1;
  bool ended_ = false;
  int code_ = -1;
};

// `llmq mock` with its URL.
class Mock {
 public:
  explicit Mock(const Directory& directory, const Arguments& options = {});

  const std::string& url() const { return url_; }  // http://127.0.0.1:PORT/v1
  // Its statistics, as it goes on.
  base::Json stats() const;
  // Waits until a number of these is so high; the test's own time-out bounds this.
  void wait_for(const char* name, double count) const;
  // Ends it and returns its statistics.
  base::Json stop();

 private:
  const Directory& directory_;
  Program program_;
  std::string url_;
};

double number(const base::Json& json, const char* name);
double status_count(const base::Json& stats, const char* status);

// Lines of a text, each parsed; a line that is not JSON fails the test.
std::vector<base::Json> json_lines(const std::string& text);
// A line of OpenAI's batch format.
std::string chat_line(const std::string& custom_id, const std::string& content = "Hello there",
                      int max_tokens = 16);
std::string chat_lines(int count, int max_tokens = 16);

}  // namespace llmq::test

#endif  // LLMQ_TESTS_INTEGRATION_PROGRAM_H_
