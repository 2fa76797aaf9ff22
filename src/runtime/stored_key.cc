#include "runtime/stored_key.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "provider/text.h"

namespace llmq::runtime {
namespace {

constexpr core::DurationNs kBetweenLooks = core::seconds(1);

core::Error unusable(const std::string& path, const std::string& why) {
  return {core::Status::kInvalidValue, "the key file " + path + " " + why, "api_key_file"};
}

}  // namespace

core::Result<std::string> read_key_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return unusable(path, std::string("cannot be read: ") + std::strerror(errno));
  // Not through a stream, whose buffer would keep the key. Room for blanks around it.
  std::array<char, kMostKeyBytes + 512> bytes{};
  size_t size = 0;
  ssize_t more = 1;
  while (more > 0 && size < bytes.size()) {
    more = ::read(file, bytes.data() + size, bytes.size() - size);
    if (more > 0) size += static_cast<size_t>(more);
  }
  const int error = more < 0 ? errno : 0;
  ::close(file);
  std::string key(provider::trimmed({bytes.data(), size}));
  explicit_bzero(bytes.data(), bytes.size());
  if (error != 0) return unusable(path, std::string("cannot be read: ") + std::strerror(error));
  if (!key.empty() && key.size() <= kMostKeyBytes && size < bytes.size()) return key;
  wipe(key);
  return unusable(path, "holds no key");
}

bool is_world_readable(const std::string& path) {
  struct stat seen {};
  return !path.empty() && ::stat(path.c_str(), &seen) == 0 && (seen.st_mode & S_IROTH) != 0;
}

StoredKey::StoredKey(std::string_view key, std::string file)
    : key_(key), file_(std::move(file)), version_(version_of(file_)) {}

StoredKey::Version StoredKey::version_of(const std::string& path) {
  struct stat seen {};
  if (path.empty() || ::stat(path.c_str(), &seen) != 0) return {};
#ifdef __APPLE__
  const timespec& changed = seen.st_ctimespec;
#else
  const timespec& changed = seen.st_ctim;
#endif
  return {seen.st_dev, seen.st_ino, seen.st_size,
          static_cast<int64_t>(changed.tv_sec) * 1'000'000'000 + changed.tv_nsec};
}

bool StoredKey::look_at_file(core::TimeNs now, bool at_once) {
  if (file_.empty() || (!at_once && now < next_look_)) return false;
  next_look_ = now + kBetweenLooks;
  const Version version = version_of(file_);
  if (!at_once && version == version_) return false;
  auto key = read_key_file(file_);
  if (!key) return false;
  version_ = version;
  const bool is_new = key.value() != key_.view();
  if (is_new) key_ = Secret(key.value());
  wipe(key.value());
  return is_new;
}

}  // namespace llmq::runtime
