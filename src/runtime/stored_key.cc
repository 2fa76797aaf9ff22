#include "runtime/stored_key.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
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
  std::ifstream file(path, std::ios::binary);
  if (!file) return unusable(path, std::string("cannot be read: ") + std::strerror(errno));
  std::string text(std::istreambuf_iterator<char>(file), {});
  std::string key(provider::trimmed(text));
  wipe(text);
  if (key.empty() || key.size() > kMostKeyBytes) return unusable(path, "holds no key");
  return key;
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
