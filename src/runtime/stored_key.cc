#include "runtime/stored_key.h"

#include <array>
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
  // Not through a stream, whose buffer would keep the key. Room for blanks around it.
  std::array<char, kMostKeyBytes + 512> bytes{};
  size_t size = 0;
  std::string why;
  const bool is_read = platform::read_file(path, bytes.data(), bytes.size(), &size, &why);
  std::string key(provider::trimmed({bytes.data(), size}));
  wipe(bytes.data(), bytes.size());
  if (!is_read) return unusable(path, "cannot be read: " + why);
  if (!key.empty() && key.size() <= kMostKeyBytes && size < bytes.size()) return key;
  wipe(key);
  return unusable(path, "holds no key");
}

StoredKey::StoredKey(std::string_view key, std::string file)
    : key_(key), file_(std::move(file)), version_(platform::version_of(file_)) {}

bool StoredKey::look_at_file(core::TimeNs now, bool at_once) {
  if (file_.empty() || (!at_once && now < next_look_)) return false;
  next_look_ = now + kBetweenLooks;
  const platform::FileVersion version = platform::version_of(file_);
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
