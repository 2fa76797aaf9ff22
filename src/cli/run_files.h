// The files around a run: where the requests come from, and where what it amounted to goes.
#ifndef LLMQ_CLI_RUN_FILES_H_
#define LLMQ_CLI_RUN_FILES_H_

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

#include "cli/failure.h"

namespace llmq::cli {

class Input {
 public:
  explicit Input(const std::string& path) {
    fd_ = path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd_ < 0) throw Failure("input " + path + " cannot be read: " + std::strerror(errno));
    if (::fstat(fd_, &status_) != 0) status_ = {};
    if (S_ISDIR(status_.st_mode)) throw Failure("input " + path + " is a directory");
  }
  ~Input() {
    if (fd_ != STDIN_FILENO) ::close(fd_);
  }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  int fd() const { return fd_; }

  // Lines of a regular file; 0 if that cannot be known beforehand.
  uint64_t count_lines() const {
    if (!S_ISREG(status_.st_mode)) return 0;
    std::string chunk(size_t{1} << 18, '\0');
    uint64_t lines = 0;
    off_t at = 0;
    char last = '\n';
    for (ssize_t got = 0; (got = ::pread(fd_, chunk.data(), chunk.size(), at)) > 0; at += got) {
      lines += static_cast<uint64_t>(std::count(chunk.begin(), chunk.begin() + got, '\n'));
      last = chunk[static_cast<size_t>(got) - 1];
    }
    return lines + (last == '\n' ? 0 : 1);
  }

  bool empty() const { return S_ISREG(status_.st_mode) && status_.st_size == 0; }

  bool is_same_file(const std::string& path) const {
    struct stat other {};
    return path != "-" && ::stat(path.c_str(), &other) == 0 && other.st_dev == status_.st_dev &&
           other.st_ino == status_.st_ino;
  }

 private:
  int fd_ = -1;
  struct stat status_ {};
};

// A file that is written when the run is over (`what`: "summary"). Opened before the first call, so
// that a place that takes none costs no run; its old content stays until there is a new one.
class LateFile {
 public:
  LateFile(const char* what, const std::string& path) : what_(what), path_(path) {
    if (path.empty()) return;
    if (path == "-") throw Failure(std::string(what) + " needs a file, not -");
    made_ = ::access(path.c_str(), F_OK) != 0;
    fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd_ < 0) throw failure();
  }
  ~LateFile() {
    if (fd_ < 0) return;
    ::close(fd_);
    if (made_ && !written_) ::unlink(path_.c_str());
  }
  LateFile(const LateFile&) = delete;
  LateFile& operator=(const LateFile&) = delete;

  void write(const std::string& text) {
    if (fd_ < 0) return;
    struct stat status {};
    const bool regular = ::fstat(fd_, &status) == 0 && S_ISREG(status.st_mode);
    if (regular && ::ftruncate(fd_, 0) != 0) throw failure();
    for (size_t done = 0; done < text.size();) {
      const ssize_t n = ::write(fd_, text.data() + done, text.size() - done);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) throw failure();
      done += static_cast<size_t>(n);
    }
    written_ = true;
  }

 private:
  Failure failure() const {
    return Failure(std::string(what_) + " " + path_ +
                   " cannot be written: " + std::strerror(errno));
  }

  const char* const what_;
  const std::string path_;
  int fd_ = -1;
  bool made_ = false;  // did not exist before
  bool written_ = false;
};

}  // namespace llmq::cli

#endif  // LLMQ_CLI_RUN_FILES_H_
