#include "cli/doctor_checks.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "cli/doctor_limits.h"

namespace llmq::cli {
namespace {

constexpr int64_t kSecondsPerDay = 86'400;
constexpr int64_t kFewDays = 14;   // of a certificate
constexpr double kSlowMs = 2000;   // to the first byte of an answer of a few tokens
constexpr double kApartMs = 5000;  // of the clocks; a Date has whole seconds

const cJSON* member(const cJSON* object, const char* name) {
  return cJSON_GetObjectItemCaseSensitive(object, name);
}

std::string text_of(const cJSON* object, const char* name) {
  const cJSON* const value = member(object, name);
  return cJSON_IsString(value) != 0 ? value->valuestring : "";
}

double number_of(const cJSON* object, const char* name) {
  const cJSON* const value = member(object, name);
  return cJSON_IsNumber(value) != 0 ? value->valuedouble : 0;
}

bool is_told(const cJSON* object, const char* name) {
  return cJSON_IsNumber(member(object, name)) != 0;
}

std::string ms(double value) {
  char text[32];
  std::snprintf(text, sizeof text, value < 10 ? "%.1f ms" : "%.0f ms", value);
  return text;
}

// What has been looked at so far.
class Patient {
 public:
  Patient(const Probed& probed, const cJSON* probe, Checks& checks)
      : probed_(probed),
        probe_(probe),
        checks_(checks),
        failed_at_(text_of(probe, "failed_at")),
        message_(text_of(probe, "message")) {}

  void look() {
    look_at_key();
    look_at_files();
    look_at_proxy();
    look_at_dns();
    look_at_connection();
    look_at_tls();
    look_at_request();
  }

 private:
  void add(const char* name, Verdict verdict, std::string found, std::string mend = "") {
    checks_.push_back({name, verdict, std::move(found), std::move(mend)});
  }

  void look_at_key();
  void look_at_files();
  void look_at_file(const char* setting, const std::string& path);
  void look_at_proxy();
  void look_at_dns();
  void look_at_connection();
  void look_at_tls();
  void look_at_request();
  void judge_answer(int http_status, const std::string& status);
  void look_at_latency();
  void look_at_clock();
  void look_at_limits();

  // Did the call fail before it came to this?
  bool ended_before(std::initializer_list<const char*> stages) const {
    for (const char* stage : stages) {
      if (failed_at_ == stage) return true;
    }
    return false;
  }
  std::string host() const;

  const Probed& probed_;
  const cJSON* const probe_;
  Checks& checks_;
  const std::string failed_at_;
  const std::string message_;
  bool key_is_wrong_ = false;
};

std::string Patient::host() const {
  std::string url = text_of(probe_, "url");
  if (const size_t scheme = url.find("://"); scheme != std::string::npos) url.erase(0, scheme + 3);
  return url.substr(0, url.find('/'));
}

void Patient::look_at_key() {
  const cJSON* const key = member(probe_, "key");
  const std::string source = text_of(key, "source");
  const std::string name = text_of(key, "name");
  const std::string error = text_of(key, "error");
  key_is_wrong_ = !error.empty();
  const std::string from = source == "environment" ? "environment variable " + name
                           : source == "file"      ? "file " + name
                                                   : source;
  if (key_is_wrong_) {
    std::string mend = "set it, or name another place with --api-key-env or api_key_file";
    if (source == "file") mend = "write the key, and nothing else, into " + name;
    if (error.find("character") != std::string::npos) {
      mend = "write the key again, without blanks or line breaks in it";
    }
    if (error.find("http://") != std::string::npos) mend = "use an https:// address";
    add("key", Verdict::kFail, error, mend);
  } else if (source == "none") {
    add("key", Verdict::kOk, "none; a server on this machine, or one that asks for none");
  } else {
    add("key", Verdict::kOk,
        "from " + (source == "headers" ? std::string("the headers set") : from));
  }
  const std::string warning = text_of(key, "warning");
  if (!warning.empty()) {
    add("key file", Verdict::kWarn, "everybody on this machine can read " + name,
        "chmod o-r " + name);
  }
}

void Patient::look_at_file(const char* setting, const std::string& path) {
  if (path.empty()) return;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    add(setting, Verdict::kFail, path + " cannot be read: " + std::strerror(errno),
        std::string("put the PEM file there, or mend ") + setting);
    return;
  }
  ::close(fd);
  add(setting, Verdict::kOk, path + " can be read");
}

void Patient::look_at_files() {
  look_at_file("ca_file", probed_.ca_file);
  look_at_file("client_cert_file", probed_.client_cert_file);
  look_at_file("client_key_file", probed_.client_key_file);
}

void Patient::look_at_proxy() {
  const std::string proxy = text_of(probe_, "proxy");
  if (proxy.empty()) {
    add("proxy", Verdict::kOk, "none");
  } else if (failed_at_ == "proxy") {
    add("proxy", Verdict::kFail, "through " + proxy + ": " + message_,
        "start it or mend the proxy setting (proxy, https_proxy); proxy none goes without");
  } else {
    add("proxy", Verdict::kOk, "through " + proxy);
  }
}

void Patient::look_at_dns() {
  if (failed_at_ == "dns") {
    add("dns", Verdict::kFail, message_,
        "look for a mistake in --base-url, and whether this machine has a name server");
  } else if (!is_told(probe_, "dns_ms") || failed_at_ == "proxy") {
    add("dns", Verdict::kSkip, "not looked at");
  } else {
    add("dns", Verdict::kOk,
        (text_of(probe_, "proxy").empty() ? host() : text_of(probe_, "proxy")) + " found in " +
            ms(number_of(probe_, "dns_ms")));
  }
}

void Patient::look_at_connection() {
  if (failed_at_ == "connect") {
    add("connect", Verdict::kFail, message_,
        "look whether something listens there and no firewall forbids it, or mend --base-url");
  } else if (ended_before({"dns", "proxy"}) || text_of(probe_, "address").empty()) {
    add("connect", Verdict::kSkip, "not looked at");
  } else {
    add("connect", Verdict::kOk,
        text_of(probe_, "address") + " in " + ms(number_of(probe_, "connect_ms")));
  }
}

// The words are those of the TLS library.
std::string mend_of_tls(const std::string& message) {
  const auto says = [&message](const char* words) {
    return message.find(words) != std::string::npos;
  };
  if (says("expired")) return "the server must renew its certificate; look at this clock too";
  if (says("not yet valid")) return "look at the clock of this machine";
  if (says("self-signed") || says("self signed") || says("unable to get local issuer")) {
    return "name the CA that signed it with ca_file, if you trust it";
  }
  if (says("subject name") || says("does not match")) {
    return "the certificate is another host's: mend --base-url";
  }
  if (says("CA file") || says("CA certificates")) return "mend ca_file, or install ca-certificates";
  if (says("client certificate") || says("certificate required")) {
    return "set client_cert_file and client_key_file to a pair that the server takes";
  }
  return "look whether that port speaks TLS; a server without it is http://";
}

void Patient::look_at_tls() {
  if (text_of(probe_, "url").substr(0, 8) != "https://") {
    add("tls", Verdict::kOk, "none: http:// on the way to " + host());
    return;
  }
  if (failed_at_ == "tls") {
    add("tls", Verdict::kFail, message_, mend_of_tls(message_));
    return;
  }
  const cJSON* const certificate = member(probe_, "certificate");
  if (cJSON_IsObject(certificate) == 0) {
    add("tls", Verdict::kSkip, "not looked at");
    return;
  }
  std::string found = "the certificate verifies";
  const auto expires = static_cast<int64_t>(number_of(certificate, "expires_unix_s"));
  if (expires <= 0) {
    add("tls", Verdict::kOk, found);
    return;
  }
  const int64_t days = (expires - probed_.now_unix_s) / kSecondsPerDay;
  found += ", for " + std::to_string(days) + (days == 1 ? " more day" : " more days");
  if (days < kFewDays) {
    add("tls", Verdict::kWarn, found, "the server must renew it before it ends");
  } else {
    add("tls", Verdict::kOk, found);
  }
}

void Patient::look_at_request() {
  const int http_status = static_cast<int>(number_of(member(probe_, "answer"), "status"));
  if (http_status == 0) {
    const bool is_own = failed_at_ == "request";
    if (is_own) {
      add("request", Verdict::kFail, message_,
          "try again; if it stays so, look at --base-url, --timeout and what stands between");
    } else {
      add("request", Verdict::kSkip,
          failed_at_.empty() && !key_is_wrong_ ? "none was sent (--offline)" : "none was sent");
    }
    return;
  }
  judge_answer(http_status, text_of(probe_, "status"));
  look_at_latency();
  look_at_clock();
  look_at_limits();
}

void Patient::judge_answer(int http_status, const std::string& status) {
  struct Meaning {
    const char* status;
    Verdict verdict;
    const char* mend;
  };
  static constexpr Meaning kMeanings[] = {
      {"LLMQ_ERR_AUTH", Verdict::kFail,
       "the provider refuses the key: use one that is valid for this account and model"},
      {"LLMQ_ERR_QUOTA_EXHAUSTED", Verdict::kFail, "add credit or raise the account's spend limit"},
      {"LLMQ_ERR_RATE_LIMITED", Verdict::kWarn,
       "the key is good, but its limits are used up now: others may use it too"},
      {"LLMQ_ERR_OVERLOADED", Verdict::kWarn, "the provider is overloaded: try again later"},
      {"LLMQ_ERR_SERVER", Verdict::kFail, "the provider has a fault: try again later"},
  };
  const std::string found =
      "HTTP " + std::to_string(http_status) + (message_.empty() ? "" : ": " + message_);
  if (status == "LLMQ_OK") {
    add("request", Verdict::kOk, found + ", HTTP/" + text_of(probe_, "http_version"));
    return;
  }
  if (http_status >= 300 && http_status <= 399) {
    add("request", Verdict::kFail, found + ": a redirect, which is not followed with a key",
        "set --base-url to where the API is");
    return;
  }
  if (http_status == 404) {
    add("request", Verdict::kFail, found,
        "the address or the model is wrong: mend --base-url, or use a model that the account has");
    return;
  }
  for (const Meaning& meaning : kMeanings) {
    if (status == meaning.status) {
      add("request", meaning.verdict, found, meaning.mend);
      return;
    }
  }
  add("request", Verdict::kFail, found,
      "the provider refuses a chat of one word: is " + probed_.model +
          " a model of it, and one for chat? (--embeddings asks for an embedding)");
}

void Patient::look_at_latency() {
  const double first = number_of(probe_, "first_byte_ms");
  const std::string found = ms(first) + " to the first byte, " + ms(number_of(probe_, "total_ms")) +
                            " in all with a new connection";
  if (first > kSlowMs) {
    add("latency", Verdict::kWarn, found,
        "slow for a few tokens: time-outs must leave room for it");
  } else {
    add("latency", Verdict::kOk, found);
  }
}

void Patient::look_at_clock() {
  if (!is_told(probe_, "clock_ahead_ms")) {
    add("clock", Verdict::kSkip, "the answer has no Date");
    return;
  }
  const double apart = number_of(probe_, "clock_ahead_ms");
  char found[96];
  std::snprintf(found, sizeof found, "%.1f s %s the provider's, which tells whole seconds",
                std::abs(apart) / 1000, apart < 0 ? "behind" : "ahead of");
  if (std::abs(apart) > kApartMs) {
    add("clock", Verdict::kWarn, found, "set this machine's clock (NTP)");
  } else {
    add("clock", Verdict::kOk, found);
  }
}

void Patient::look_at_limits() {
  for (LimitFinding& finding : compare_limits(probed_, member(probe_, "answer"))) {
    add("limits", finding.fits ? Verdict::kOk : Verdict::kWarn, std::move(finding.found),
        std::move(finding.mend));
  }
}

}  // namespace

const char* verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk:
      return "ok";
    case Verdict::kWarn:
      return "warn";
    case Verdict::kFail:
      return "fail";
    case Verdict::kSkip:
      return "skip";
  }
  return "";
}

void add_checks(const Probed& probed, const cJSON* probe, Checks& checks) {
  Patient(probed, probe, checks).look();
}

}  // namespace llmq::cli
