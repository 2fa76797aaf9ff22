#include "provider/image_tokens.h"

#include <algorithm>
#include <array>
#include <optional>

namespace llmq::provider {
namespace {

constexpr int64_t kBase = 85;
constexpr int64_t kPerTile = 170;
constexpr int64_t kTile = 512;
constexpr int64_t kMostSide = 2048;
constexpr int64_t kMostShorter = 768;
constexpr int64_t kMostPixels = 1 << 20;  // of one side: more is no image

struct Size {
  int64_t width = 1024;
  int64_t height = 1024;
};

int sextet(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

// The first bytes of a PNG: signature, length and name of the first chunk, width, height.
constexpr size_t kPngHead = 24;

std::optional<std::array<uint8_t, kPngHead>> first_bytes(std::string_view base64) {
  std::array<uint8_t, kPngHead> bytes{};
  if (base64.size() < kPngHead / 3 * 4) return std::nullopt;
  for (size_t group = 0; group < kPngHead / 3; ++group) {
    uint32_t bits = 0;
    for (size_t i = 0; i < 4; ++i) {
      const int six = sextet(base64[group * 4 + i]);
      if (six < 0) return std::nullopt;
      bits = bits << 6 | static_cast<uint32_t>(six);
    }
    for (size_t i = 0; i < 3; ++i) bytes[group * 3 + i] = bits >> (16 - 8 * i) & 0xff;
  }
  return bytes;
}

Size size_of(std::string_view url) {
  constexpr std::string_view kLead = "data:image/png;base64,";
  constexpr std::array<uint8_t, 8> kSignature{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  if (url.substr(0, kLead.size()) != kLead) return {};
  const auto head = first_bytes(url.substr(kLead.size()));
  if (!head || !std::equal(kSignature.begin(), kSignature.end(), head->begin())) return {};
  const auto number = [&head](size_t at) {
    int64_t value = 0;
    for (size_t i = at; i < at + 4; ++i) value = value << 8 | (*head)[i];
    return value;
  };
  const Size size{number(16), number(20)};
  const auto sound = [](int64_t side) { return side > 0 && side <= kMostPixels; };
  return sound(size.width) && sound(size.height) ? size : Size{};
}

// At most `most` where `side` is what is measured; both sides keep their ratio.
void shrink(Size& size, int64_t side, int64_t most) {
  if (side <= most) return;
  size.width = std::max<int64_t>(size.width * most / side, 1);
  size.height = std::max<int64_t>(size.height * most / side, 1);
}

}  // namespace

int64_t image_tokens(std::string_view url, std::string_view detail) {
  if (detail == "low") return kBase;
  Size size = size_of(url);
  shrink(size, std::max(size.width, size.height), kMostSide);
  shrink(size, std::min(size.width, size.height), kMostShorter);
  const auto tiles = [](int64_t side) { return (side + kTile - 1) / kTile; };
  return kBase + kPerTile * tiles(size.width) * tiles(size.height);
}

}  // namespace llmq::provider
