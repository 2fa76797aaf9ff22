// The providers that llmq knows by name, as one table: what differs between them beyond the wire
// that they speak.
#ifndef LLMQ_PROVIDER_PROFILE_H_
#define LLMQ_PROVIDER_PROFILE_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace llmq::provider {

// The form of requests, answers and streams.
enum class Wire : uint8_t {
  kOpenAi,     // chat/completions, responses, embeddings
  kAnthropic,  // messages
  kGemini,     // generateContent
  kCohere,     // v2/chat, v2/embed
  kOllama,     // api/chat, lines of JSON
  kBedrock,    // converse: answers are read, requests are not made (they need AWS signatures)
};

// How the key is sent.
enum class KeyHeader : uint8_t {
  kBearer,       // Authorization: Bearer KEY
  kApiKey,       // api-key: KEY
  kXApiKey,      // x-api-key: KEY
  kXGoogApiKey,  // x-goog-api-key: KEY
};

struct Profile {
  std::string_view name;  // as in settings
  Wire wire = Wire::kOpenAi;
  KeyHeader key_header = KeyHeader::kBearer;
  std::string_view base_url;      // "" = it must be set
  std::string_view key_variable;  // the environment variable that holds the key; "" = none
  // How tokens are counted against its limits until answers have told: a value of the key `charge`.
  std::string_view charge = "arrival";
  std::string_view api_version = "";  // that requests name; "" = none
  bool key_optional = false;          // servers of one's own often need none
  bool has_embeddings = true;
  bool has_responses = true;  // of OpenAI's wire
  // The windows of limits whose headers do not tell them; 0 = these may be any.
  uint32_t requests_window_s = 0;
  uint32_t tokens_window_s = 0;
  bool reset_unit_varies = false;  // resets without a unit are seconds or milliseconds
  bool limits_unseen = false;      // no answer shows its limits but a refusal
};

struct ProfileList {
  const Profile* first;
  size_t count;
  const Profile* begin() const { return first; }
  const Profile* end() const { return first + count; }
};

// In the order in which documentation lists them.
ProfileList profiles();

// Can requests be made for it? Else its answers are read alone.
inline bool makes_requests(const Profile& profile) { return profile.wire != Wire::kBedrock; }

// nullptr if no provider has that name.
const Profile* find_profile(std::string_view name);

}  // namespace llmq::provider

#endif  // LLMQ_PROVIDER_PROFILE_H_
