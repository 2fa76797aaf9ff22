// The output: whole lines only, whatever happens. A run that goes on with an old file first drops
// from it what is to be run again, and a torn last line. A regular file is locked (flock) as long
// as the object is there.
#ifndef LLMQ_CLI_OUTPUT_FILE_H_
#define LLMQ_CLI_OUTPUT_FILE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "cli/id_table.h"

namespace llmq::cli {

enum class Existing { kRefuse, kResume, kReplace };

class OutputFile {
 public:
  // "-" is standard output. Throws a Failure if the file exists and may not be touched, cannot be
  // written, or is being written by another run.
  OutputFile(const std::string& path, Existing existing);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  // custom_ids that need no new run.
  const IdTable& finished() const { return finished_; }

  // Takes a line with its newline; flush() writes.
  void add(std::string_view line) { buffer_ += line; }
  // Throws a Failure when the file cannot take it (a full disk); then it ends with its last whole
  // line. Waits for no reader: what a pipe does not take now stays for the next flush().
  void flush();
  // What flush() left; fd() tells when it can go on.
  bool pending() const { return waits_ && !buffer_.empty(); }
  int fd() const { return fd_; }
  const std::string& path() const { return path_; }
  // Removes a file that this run made and wrote nothing to.
  void discard_if_empty();

  // A write failed: it takes nothing any more.
  bool broken() const { return broken_; }

 private:
  explicit OutputFile(const std::string& path) : path_(path) {}
  void open(Existing existing);
  bool lock();
  void reread();
  void close();
  void write_on();

  std::string path_;
  int fd_ = -1;
  bool regular_ = false;
  bool waits_ = false;   // a pipe, a terminal: takes what somebody reads
  bool made_ = false;    // did not exist before
  bool broken_ = false;  // a write failed: no more
  int64_t whole_ = 0;    // bytes of whole lines in a regular file
  std::string buffer_;
  size_t written_ = 0;  // of the buffer
  IdTable finished_;
};

}  // namespace llmq::cli

#endif  // LLMQ_CLI_OUTPUT_FILE_H_
