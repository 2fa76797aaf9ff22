#include "cli/output_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "cli/failure.h"
#include "cli/line_reader.h"
#include "cli/result_line.h"

namespace llmq::cli {
namespace {

constexpr size_t kMaxResultLine = size_t{512} << 20;
constexpr mode_t kMode = 0644;

Failure failure(const std::string& path, const char* what) {
  return Failure("output " + path + " " + what + ": " + std::strerror(errno));
}

// Whether a last line without its end can be one that a stopped run left.
bool is_torn_result(const Line& line) {
  constexpr std::string_view kStart = R"({"id":)";
  const size_t size = std::min(line.text.size(), kStart.size());
  return line.torn && line.text.substr(0, size) == kStart.substr(0, size);
}

// Bytes written; less than asked for if the file takes no more (errno says why).
size_t write_all(int fd, std::string_view bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::write(fd, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    done += static_cast<size_t>(n);
  }
  return done;
}

}  // namespace

OutputFile::OutputFile(const std::string& path, Existing existing) : OutputFile(path) {
  if (path == "-") {
    if (existing == Existing::kResume) throw Failure("--resume needs an output file, not -");
    fd_ = STDOUT_FILENO;
    struct stat status {};
    waits_ = ::fstat(fd_, &status) != 0 || !S_ISREG(status.st_mode);
    return;
  }
  do {
    open(existing);
  } while (!lock());
  if (existing == Existing::kReplace && regular_ && ::ftruncate(fd_, 0) != 0) {
    throw failure(path_, "cannot be written");
  }
  if (existing == Existing::kResume && !made_) reread();
  struct stat status {};
  whole_ = regular_ && ::fstat(fd_, &status) == 0 ? status.st_size : 0;
}

OutputFile::~OutputFile() { close(); }

void OutputFile::close() {
  if (fd_ > STDERR_FILENO) ::close(fd_);
  fd_ = -1;
}

// Changes nothing in a file that is there: another run may be writing it.
void OutputFile::open(Existing existing) {
  close();
  struct stat status {};
  const bool exists = ::stat(path_.c_str(), &status) == 0;
  made_ = !exists;
  if (exists && existing == Existing::kRefuse) {
    throw Failure("output " + path_ + " exists: --resume goes on with it, --force replaces it");
  }
  if (exists && S_ISDIR(status.st_mode)) throw Failure("output " + path_ + " is a directory");
  const bool resume = exists && existing == Existing::kResume;
  if (resume && !S_ISREG(status.st_mode)) {
    throw Failure("output " + path_ + " is not a regular file: --resume cannot go on with it");
  }
  const int flags = (resume ? O_RDWR : O_WRONLY) | O_CREAT | O_CLOEXEC | (made_ ? O_EXCL : 0);
  fd_ = ::open(path_.c_str(), flags, kMode);
  if (fd_ < 0) throw failure(path_, "cannot be written");
}

// Two runs on one file would lose what the first has been answered. False: the name has gone to
// another file since it was opened. A file system without locks has none to refuse.
bool OutputFile::lock() {
  struct stat status {};
  regular_ = ::fstat(fd_, &status) == 0 && S_ISREG(status.st_mode);
  waits_ = !regular_;
  if (!regular_) return true;
  if (::flock(fd_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    throw Failure("output " + path_ + " is being written by another run");
  }
  struct stat named {};
  return ::stat(path_.c_str(), &named) == 0 && named.st_dev == status.st_dev &&
         named.st_ino == status.st_ino;
}

// Copies what is finished to a new file that takes the old one's place: at every moment one of them
// is whole. A file that holds anything but results is none of ours and stays as it is, and so does
// one that has the new file's name already.
void OutputFile::reread() {
  std::array<char, PATH_MAX> real{};  // a link stays one
  if (::realpath(path_.c_str(), real.data()) == nullptr) throw failure(path_, "cannot be read");
  const std::string kept_path = std::string(real.data()) + ".resume";
  struct stat status {};
  if (::fstat(fd_, &status) != 0) throw failure(path_, "cannot be read");
  const mode_t mode = status.st_mode & 07777U;
  const int out = ::open(kept_path.c_str(),
                         O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_APPEND | O_CLOEXEC, mode);
  if (out < 0 && errno == EEXIST) {
    throw Failure("output " + path_ + " was left as it is: --resume has to make " + kept_path +
                  ", which is there already, of yours or left by a run that was killed");
  }
  if (out < 0) throw failure(kept_path, "cannot be written");
  ::flock(out, LOCK_EX | LOCK_NB);  // ours from its first moment under the old one's name
  LineReader reader(fd_, kMaxResultLine);
  Line line;
  bool written = ::fchmod(out, mode) == 0;  // whatever the umask
  uint64_t foreign = 0;
  std::string custom_id;
  while (written && foreign == 0) {
    if (!reader.next(line)) {
      if (reader.ended()) break;
      reader.read_more();
      continue;
    }
    if (!line.too_long && is_blank(line.text)) continue;
    const Past past = line.too_long ? Past::kUnreadable : read_result_line(line.text, custom_id);
    if (past == Past::kUnreadable && !is_torn_result(line)) foreign = line.number;
    if (past != Past::kFinished) continue;
    if (finished_.add(custom_id, line.number) != 0) continue;
    std::string whole(line.text);
    whole += '\n';
    written = write_all(out, whole) == whole.size();
  }
  written = written && ::fsync(out) == 0;
  const int error = errno;
  if (foreign == 0 && written && ::rename(kept_path.c_str(), real.data()) == 0) {
    close();
    fd_ = out;
    return;
  }
  if (!written) errno = error;
  const Failure why = failure(kept_path, "cannot be written");
  ::unlink(kept_path.c_str());
  ::close(out);
  if (foreign == 0) throw why;
  throw Failure("output " + path_ + " was left as it is: its line " + std::to_string(foreign) +
                " is not a result, so --resume cannot go on with it");
}

void OutputFile::flush() {
  if (buffer_.empty() || broken_) return;
  if (waits_) return write_on();
  const size_t done = write_all(fd_, buffer_);
  if (done == buffer_.size()) {
    whole_ += static_cast<int64_t>(done);
    buffer_.clear();
    return;
  }
  broken_ = true;
  const Failure why = failure(path_, "cannot be written");
  const size_t newline = done == 0 ? std::string::npos : buffer_.rfind('\n', done - 1);
  const size_t kept = newline == std::string::npos ? 0 : newline + 1;
  if (regular_ && ::ftruncate(fd_, whole_ + static_cast<int64_t>(kept)) != 0) {
    throw Failure(std::string(why.what()) + "; its last line is torn, --resume repairs it");
  }
  throw why;
}

// A pipe that is ready takes PIPE_BUF bytes at once.
void OutputFile::write_on() {
  while (written_ < buffer_.size()) {
    pollfd ready{fd_, POLLOUT, 0};
    if (::poll(&ready, 1, 0) < 1) break;
    const size_t size = std::min<size_t>(buffer_.size() - written_, PIPE_BUF);
    const ssize_t n = ::write(fd_, buffer_.data() + written_, size);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) break;
    if (n <= 0) {
      broken_ = true;
      throw failure(path_, "cannot be written");
    }
    written_ += static_cast<size_t>(n);
  }
  if (written_ < buffer_.size() / 2) return;
  buffer_.erase(0, written_);
  written_ = 0;
}

void OutputFile::discard_if_empty() {
  if (made_ && regular_ && whole_ == 0 && buffer_.empty()) ::unlink(path_.c_str());
}

}  // namespace llmq::cli
