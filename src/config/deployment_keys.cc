// The keys that say where and how the calls of a model are made.
#include <memory>
#include <vector>

#include "config/header_list.h"
#include "config/row_makers.h"

namespace llmq::config {
namespace {

constexpr int64_t kFirstProfile = 2;  // the values before are those that call nobody

// Every provider that requests can be made for, by its place in the table of profiles. Never
// destroyed, as the table of keys.
const Choice* provider_words() {
  static const std::vector<Choice>& words = *[] {
    auto made = std::make_unique<std::vector<Choice>>();
    *made = {{"none", 0}, {"mock", 1}};
    int64_t number = kFirstProfile;
    for (const provider::Profile& profile : provider::profiles()) {
      if (provider::makes_requests(profile)) made->push_back({profile.name.data(), number});
      ++number;
    }
    made->push_back({nullptr, 0});
    return made.release();
  }();
  return words.data();
}

const char* proxy_fault(std::string_view text) {
  static constexpr std::string_view kSchemes[] = {"http://", "https://", "socks5://", "socks5h://"};
  if (text.empty() || text == "none") return nullptr;
  for (const std::string_view scheme : kSchemes) {
    if (text.size() > scheme.size() && text.substr(0, scheme.size()) == scheme) return nullptr;
  }
  return "expected none, or a URL of http://, https://, socks5:// or socks5h://";
}

const char* why_no_provider(std::string_view text) {
  return provider::find_profile(text) == nullptr
             ? nullptr
             : "llmq reads its answers but makes no requests, which need signatures that it does "
               "not make; a gateway that speaks OpenAI's API is reached by openai-compatible";
}

}  // namespace

ProviderChoice provider_choice(int64_t number) {
  if (number >= kFirstProfile) {
    return {ProviderKind::kHttp, provider::profiles().begin() + (number - kFirstProfile)};
  }
  return {number == 1 ? ProviderKind::kMock : ProviderKind::kNone, nullptr};
}

const provider::Profile* provider_at(size_t index) {
  for (const provider::Profile& profile : provider::profiles()) {
    if (provider::makes_requests(profile) && index-- == 0) return &profile;
  }
  return nullptr;
}

void add_deployment_rows(std::deque<Row>& rows) {
  const auto setting = [&rows](const char* name, Kind kind, const char* def, const char* doc,
                               void (*apply)(const Value&, DeploymentConfig&)) -> Row& {
    rows.push_back(deployment_setting(name, kind, def, doc, apply));
    return rows.back();
  };
  Row& who = setting(
      "provider", Kind::kChoice, "none",
      "Who runs the attempts: a processor of the program (none), answers made up inside the "
      "library (mock), or the API of that name over HTTP.",
      [](const Value& value, DeploymentConfig& config) {
        const ProviderChoice choice = provider_choice(value.number);
        config.provider = choice.kind;
        config.profile = choice.profile;
      });
  who.choices = provider_words();
  who.why_not = why_no_provider;
  setting("base_url", Kind::kUrl, "", "Where the API is; with or without its /v1.",
          [](const Value& value, DeploymentConfig& config) { config.base_url = value.text; })
      .profile_def = [](const provider::Profile& profile) { return profile.base_url; };
  setting("api_key_env", Kind::kVariable, "",
          "Environment variable that holds the key; may be unset for a server on the loopback "
          "interface.",
          [](const Value& value, DeploymentConfig& config) { config.api_key_env = value.text; })
      .profile_def = [](const provider::Profile& profile) { return profile.key_variable; };
  setting("api_version", Kind::kText, "",
          "Version of the API that the provider is asked for, where it takes one.",
          [](const Value& value, DeploymentConfig& config) { config.api_version = value.text; })
      .profile_def = [](const provider::Profile& profile) { return profile.api_version; };
  setting("deployment", Kind::kText, "",
          "Name of the provider's deployment of the model; without it, the model's name.",
          [](const Value& value, DeploymentConfig& config) { config.deployment = value.text; });
  setting("api_key_file", Kind::kText, "", "File that holds the key; comes before api_key_env.",
          [](const Value& value, DeploymentConfig& config) { config.api_key_file = value.text; });
  setting("allow_insecure", Kind::kBool, "false",
          "Send the key over http:// beyond the loopback interface.",
          [](const Value& value, DeploymentConfig& config) {
            config.allow_insecure = value.number != 0;
          });
  Row& connect = setting(
      "connect_timeout_ms", Kind::kInteger, "10000", "Longest that connecting may take, in ms.",
      [](const Value& value, DeploymentConfig& config) { config.connect_timeout = as_ms(value); });
  connect.min = 1;
  connect.max = 600'000;
  setting(
      "client_cert_file", Kind::kText, "",
      "File of the certificate that the client shows in TLS, in PEM form.",
      [](const Value& value, DeploymentConfig& config) { config.client_cert_file = value.text; });
  setting(
      "client_key_file", Kind::kText, "",
      "File of that certificate's private key; without it, client_cert_file holds it too.",
      [](const Value& value, DeploymentConfig& config) { config.client_key_file = value.text; });
  setting("proxy", Kind::kText, "",
          "Proxy of the calls, http://, https://, socks5:// or socks5h://; none for no proxy at "
          "all. Without it, as HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the environment say.",
          [](const Value& value, DeploymentConfig& config) { config.proxy = value.text; })
      .fault = proxy_fault;
  rows.back().may_be_secret = true;
  setting("headers", Kind::kHeaders, "",
          "Headers that each call carries beside its own, or in place of those of the same name.",
          [](const Value& value, DeploymentConfig& config) {
            config.headers = parse_header_list(value.text);
          })
      .fault = header_list_fault;
  rows.back().may_be_secret = true;
  setting("allow_key_headers", Kind::kBool, "false",
          "Let headers hold the key (Authorization, api-key, x-api-key, x-goog-api-key); no other "
          "key is sent then.",
          [](const Value& value, DeploymentConfig& config) {
            config.allow_key_headers = value.number != 0;
          });
  setting("ca_file", Kind::kText, "",
          "File of certificates to trust in place of the system's, in PEM form.",
          [](const Value& value, DeploymentConfig& config) { config.ca_file = value.text; });
}

void add_mock_rows(std::deque<Row>& rows) {
  const auto setting = [&rows](const char* name, Kind kind, const char* def, const char* doc,
                               void (*apply)(const Value&, DeploymentConfig&)) -> Row& {
    rows.push_back(deployment_setting(name, kind, def, doc, apply));
    return rows.back();
  };
  setting("mock.latency_ms", Kind::kRange, "20..80",
          "Time that a made-up answer takes, in ms: one number, or least..greatest.",
          [](const Value& value, DeploymentConfig& config) {
            config.mock.latency_min = core::milliseconds(value.number);
            config.mock.latency_max = core::milliseconds(value.high);
          })
      .max = 3'600'000;
  setting("mock.fail_server", Kind::kFraction, "0", "Share of attempts that end with a 500.",
          [](const Value& value, DeploymentConfig& config) {
            config.mock.fail_server = value.fraction;
          });
  setting("mock.fail_rate_limited", Kind::kFraction, "0", "Share of attempts that end with a 429.",
          [](const Value& value, DeploymentConfig& config) {
            config.mock.fail_rate_limited = value.fraction;
          });
  setting(
      "mock.fail_hang", Kind::kFraction, "0", "Share of attempts that never answer.",
      [](const Value& value, DeploymentConfig& config) { config.mock.fail_hang = value.fraction; });
  setting(
      "mock.fail_cut", Kind::kFraction, "0", "Share of streams that break off before their end.",
      [](const Value& value, DeploymentConfig& config) { config.mock.fail_cut = value.fraction; });
  setting(
      "mock.tokens_per_s", Kind::kInteger, "100",
      "How fast a stream brings its tokens; 0 = all at once, when the time of the answer is over.",
      [](const Value& value, DeploymentConfig& config) { config.mock.tokens_per_s = value.number; })
      .max = 1'000'000;
  setting(
      "mock.retry_after_ms", Kind::kInteger, "0",
      "What a made-up 429 asks to wait, in ms; 0 = it does not say.",
      [](const Value& value, DeploymentConfig& config) { config.mock.retry_after = as_ms(value); })
      .max = kMaxMs;
  setting("mock.seed", Kind::kUnsigned, "1", "Seed of the made-up answers.",
          [](const Value& value, DeploymentConfig& config) {
            config.mock.seed = static_cast<uint64_t>(value.number);
          });
}

}  // namespace llmq::config
