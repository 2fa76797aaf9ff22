// What systems do each in their own way. platform_posix.cc and platform_windows.cc are the two
// forms; nothing else in runtime/ asks which system it is.
#ifndef LLMQ_RUNTIME_PLATFORM_H_
#define LLMQ_RUNTIME_PLATFORM_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "core/status.h"

namespace llmq::runtime::platform {

// A thread named llmq-loop, to which no signal of the host's is delivered. nullptr: none can be
// started.
std::unique_ptr<std::thread> start_loop_thread(std::function<void()> run);

// Pages of their own, which core dumps leave out where the system can do that. nullptr: no memory.
void* take_pages(size_t size);
void give_back_pages(void* pages, size_t size);

// What changes when a file is written to or replaced; all zero if there is no such file.
struct FileVersion {
  uint64_t device = 0;
  uint64_t file = 0;
  uint64_t size = 0;
  int64_t changed_ns = 0;
  bool operator==(const FileVersion& other) const {
    return device == other.device && file == other.file && size == other.size &&
           changed_ns == other.changed_ns;
  }
};
FileVersion version_of(const std::string& path);

// By everybody on this machine. False where files have no such mode.
bool is_world_readable(const std::string& path);

// The first `room` bytes of a file, through no buffer but the caller's. `why` says what hindered.
bool read_file(const std::string& path, char* to, size_t room, size_t* size, std::string* why);

// A descriptor for the poll of a host: readable from raise() to lower(). `kind` is LLMQ_CQ_FD_.
class ReadableFd {
 public:
  ReadableFd() = default;
  ~ReadableFd();  // NOLINT(performance-trivially-destructible): it closes, but on Windows
  ReadableFd(const ReadableFd&) = delete;
  ReadableFd& operator=(const ReadableFd&) = delete;

  // kUnsupported: the system has no descriptors of this kind.
  core::Status open(int32_t kind);
  bool is_open() const { return read_fd_ >= 0; }
  int32_t number() const { return read_fd_; }
  void raise();
  void lower();

 private:
  bool is_raised_ = false;
  int read_fd_ = -1;
  int write_fd_ = -1;
};

}  // namespace llmq::runtime::platform

#endif  // LLMQ_RUNTIME_PLATFORM_H_
