#include <uv.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <utility>

#include "runtime/fork_mark.h"
#include "runtime/platform.h"

namespace llmq::runtime {

// Windows has no fork.
uint32_t fork_generation() { return 1; }

namespace platform {
namespace {

// A call of libuv that is over when it returns; it takes paths in UTF-8.
class FileCall {
 public:
  ~FileCall() { uv_fs_req_cleanup(&request); }

  uv_fs_t request{};
};

}  // namespace

std::unique_ptr<std::thread> start_loop_thread(std::function<void()> run) {
  try {
    return std::make_unique<std::thread>(std::move(run));
  } catch (const std::exception&) {  // no thread, or no memory for it
    return nullptr;
  }
}

void* take_pages(size_t size) { return std::malloc(size); }

void give_back_pages(void* pages, size_t) { std::free(pages); }

FileVersion version_of(const std::string& path) {
  FileCall call;
  if (path.empty() || uv_fs_stat(nullptr, &call.request, path.c_str(), nullptr) != 0) return {};
  const uv_stat_t& seen = call.request.statbuf;
  return {seen.st_dev, seen.st_ino, seen.st_size,
          static_cast<int64_t>(seen.st_ctim.tv_sec) * 1'000'000'000 + seen.st_ctim.tv_nsec};
}

// Who may read a file is told by its access list, which whoever set a key file up has decided on.
bool is_world_readable(const std::string&) { return false; }

bool read_file(const std::string& path, char* to, size_t room, size_t* size, std::string* why) {
  FileCall opening;
  const uv_file file =
      uv_fs_open(nullptr, &opening.request, path.c_str(), UV_FS_O_RDONLY, 0, nullptr);
  if (file < 0) {
    *why = uv_strerror(file);
    return false;
  }
  *size = 0;
  int more = 1;
  while (more > 0 && *size < room) {
    FileCall reading;
    uv_buf_t rest = uv_buf_init(to + *size, static_cast<unsigned>(room - *size));
    more = uv_fs_read(nullptr, &reading.request, file, &rest, 1, -1, nullptr);
    if (more > 0) *size += static_cast<size_t>(more);
  }
  if (more < 0) *why = uv_strerror(more);
  FileCall closing;
  uv_fs_close(nullptr, &closing.request, file, nullptr);
  return more >= 0;
}

// What a poll of Windows understands are sockets alone: llmq_cq_set_wakeup is the way there.
ReadableFd::~ReadableFd() = default;
core::Status ReadableFd::open(int32_t) { return core::Status::kUnsupported; }
void ReadableFd::raise() {}
void ReadableFd::lower() {}

}  // namespace platform
}  // namespace llmq::runtime
