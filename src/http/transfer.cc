#include "http/transfer.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <new>
#include <utility>

#include "http/curl_library.h"
#include "http/failure.h"
#include "http/look.h"
#include "llmq/version.h"
#include "provider/text.h"
#include "provider/url.h"

namespace llmq::http {
namespace {

#define LLMQ_TEXT_OF(x) #x
#define LLMQ_TEXT(x) LLMQ_TEXT_OF(x)
constexpr const char* kUserAgent = "llmq/" LLMQ_TEXT(LLMQ_VERSION_MAJOR) "." LLMQ_TEXT(
    LLMQ_VERSION_MINOR) "." LLMQ_TEXT(LLMQ_VERSION_PATCH);
#undef LLMQ_TEXT
#undef LLMQ_TEXT_OF

constexpr int64_t kNsPerMs = 1'000'000;
constexpr size_t kMostStaged = size_t{64} * 1024;

// Sets options one after the other and remembers the first failure.
class Options {
 public:
  explicit Options(CURL* easy) : easy_(easy) {}

  template <typename T>
  Options& set(CURLoption option, T value) {
    if (code_ == CURLE_OK) code_ = curl().easy_setopt(easy_, option, value);
    return *this;
  }
  CURLcode code() const { return code_; }

 private:
  CURL* const easy_;
  CURLcode code_ = CURLE_OK;
};

long to_ms(core::DurationNs duration) {
  if (duration.ns <= 0) return 0;
  constexpr int64_t kLongest = int64_t{24} * 3600 * 1000;  // fits a long of 32 bits
  return static_cast<long>(std::min((duration.ns + kNsPerMs - 1) / kNsPerMs, kLongest));
}

// libcurl would let child processes of the program inherit the socket: the connection would then
// outlive its cancel, for as long as the child does.
curl_socket_t open_socket(void*, curlsocktype, curl_sockaddr* address) {
#ifdef SOCK_CLOEXEC
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
#else
  const curl_socket_t socket = ::socket(address->family, address->socktype, address->protocol);
  if (socket != CURL_SOCKET_BAD) ::fcntl(socket, F_SETFD, FD_CLOEXEC);
  return socket;
#endif
}

int on_socket_opened(void* sockets, curl_socket_t socket, curlsocktype purpose) {
  if (purpose != CURLSOCKTYPE_IPCXN) return CURL_SOCKOPT_OK;
  return static_cast<SocketWatcher*>(sockets)->opened(socket) ? CURL_SOCKOPT_OK
                                                              : CURL_SOCKOPT_ERROR;
}

int on_socket_closing(void* sockets, curl_socket_t socket) {
  static_cast<SocketWatcher*>(sockets)->closing(socket);
  return ::close(socket);
}

}  // namespace

Transfer::Transfer(SocketWatcher* sockets, std::vector<CallId>* sent, std::vector<CallId>* heard,
                   int64_t max_response_bytes)
    : easy_(curl().easy_init()),
      sockets_(sockets),
      sent_list_(sent),
      heard_list_(heard),
      max_response_bytes_(max_response_bytes) {}

// Before the headers that it may still point to.
Transfer::~Transfer() { curl().easy_cleanup(easy_); }

Transfer* Transfer::of(CURL* easy) {
  char* self = nullptr;
  curl().easy_getinfo(easy, CURLINFO_PRIVATE, &self);
  return reinterpret_cast<Transfer*>(self);
}

CURLcode Transfer::set_fixed_options() {
  Options options(easy_);
  options.set(CURLOPT_PRIVATE, static_cast<void*>(this))
      .set(CURLOPT_ERRORBUFFER, error_.data())
      .set(CURLOPT_NOSIGNAL, 1L)
      .set(CURLOPT_POST, 1L)
      .set(CURLOPT_USERAGENT, kUserAgent)
      .set(CURLOPT_FOLLOWLOCATION, 0L)
      .set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS))
      .set(CURLOPT_TCP_NODELAY, 1L)
      .set(CURLOPT_TCP_KEEPALIVE, 1L)
      .set(CURLOPT_PREREQFUNCTION, &Transfer::on_prereq)
      .set(CURLOPT_PREREQDATA, static_cast<void*>(this))
      .set(CURLOPT_HEADERFUNCTION, &Transfer::on_header)
      .set(CURLOPT_HEADERDATA, static_cast<void*>(this))
      .set(CURLOPT_WRITEFUNCTION, &Transfer::on_body)
      .set(CURLOPT_WRITEDATA, static_cast<void*>(this))
      .set(CURLOPT_OPENSOCKETFUNCTION, &open_socket)
      .set(CURLOPT_SOCKOPTFUNCTION, &on_socket_opened)
      .set(CURLOPT_SOCKOPTDATA, static_cast<void*>(sockets_))
      .set(CURLOPT_CLOSESOCKETFUNCTION, &on_socket_closing)
      .set(CURLOPT_CLOSESOCKETDATA, static_cast<void*>(sockets_));
#if LLMQ_CURL_NEEDS_NUM >= 0x075500
  options.set(CURLOPT_PROTOCOLS_STR, "http,https");
#else
  options.set(CURLOPT_PROTOCOLS, static_cast<long>(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
#if LLMQ_CURL_NEEDS_NUM >= 0x075700
  // Else a cancel would wait, on the loop, for a slow name server.
  options.set(CURLOPT_QUICK_EXIT, 1L);
#endif
  return options.code();
}

CURLcode Transfer::set_trust(const Transport& transport) {
  if (transport.ca_file != trust_.ca_file ||
      transport.client_cert_file != trust_.client_cert_file ||
      transport.client_key_file != trust_.client_key_file) {
    // The built-in defaults cannot be named, only returned to.
    curl().easy_reset(easy_);
    has_fixed_options_ = false;
  }
  trust_ = transport;
  if (!has_fixed_options_) {
    if (const CURLcode code = set_fixed_options(); code != CURLE_OK) return code;
    has_fixed_options_ = true;
  }
  Options options(easy_);
  if (!transport.ca_file.empty()) {
    options.set(CURLOPT_CAINFO, transport.ca_file.c_str()).set(CURLOPT_CAPATH, nullptr);
  }
  if (!transport.client_cert_file.empty()) {
    const std::string& key_file =
        transport.client_key_file.empty() ? transport.client_cert_file : transport.client_key_file;
    options.set(CURLOPT_SSLCERT, transport.client_cert_file.c_str())
        .set(CURLOPT_SSLKEY, key_file.c_str());
  }
  return options.set(CURLOPT_SSL_VERIFYPEER, transport.verify_tls ? 1L : 0L)
      .set(CURLOPT_SSL_VERIFYHOST, transport.verify_tls ? 2L : 0L)
      .code();
}

CURLcode Transfer::prepare(CallId call_id, const Call& call) {
  id = call_id;
  host_ = provider::authority(call.wire.url);
  on_data_ = call.on_data ? std::make_shared<const decltype(Call::on_data)>(call.on_data) : nullptr;
  idle_ms = static_cast<uint64_t>(to_ms(call.idle_timeout));
  if (easy_ == nullptr || !headers_.set(call.wire.headers)) return CURLE_OUT_OF_MEMORY;
  if (const CURLcode code = set_trust(call.transport); code != CURLE_OK) return code;
  // A proxy of the environment must not see what goes to this machine, the key above all.
  const std::string& proxy = call.transport.proxy;
  const bool no_proxy = proxy == "none" || (proxy.empty() && provider::is_loopback(call.wire.url));
  looks_closely_ = call.looks_closely;
  through_proxy_ = looks_closely_ && !proxy_of(call.wire.url, proxy).empty();
  return Options(easy_)
      .set(CURLOPT_URL, call.wire.url.c_str())
      .set(CURLOPT_HTTPHEADER, headers_.get())
      // Events are to come one by one: a compressor would keep them back until it has enough.
      .set(CURLOPT_ACCEPT_ENCODING, on_data_ ? nullptr : "")
      .set(CURLOPT_PROXY, proxy.empty() || no_proxy ? nullptr : proxy.c_str())
      // One that is set counts for every host, whatever NO_PROXY of the environment says.
      .set(CURLOPT_NOPROXY, no_proxy        ? "*"
                            : proxy.empty() ? nullptr
                                            : "")
      // A connection that may soon carry this call too is waited for, instead of making another.
      .set(CURLOPT_PIPEWAIT, provider::is_https(call.wire.url) ? 1L : 0L)
      .set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()))
      .set(CURLOPT_POSTFIELDS, call.body.empty() ? "" : call.body.data())
      .set(CURLOPT_CONNECTTIMEOUT_MS, to_ms(call.transport.connect_timeout))
      .set(CURLOPT_TIMEOUT_MS, to_ms(call.timeout))
      .set(CURLOPT_CERTINFO, call.looks_closely ? 1L : 0L)
      .set(CURLOPT_CONNECT_ONLY, call.connects_only ? 1L : 0L)
      .code();
}

void Transfer::reset() {
  if (easy_ != nullptr) curl().easy_setopt(easy_, CURLOPT_POSTFIELDS, nullptr);
  id = 0;
  running = sent_ = resend_refused_ = too_long_ = no_memory_ = false;
  paused = silent = streams_ = noted_ = held_ = false;
  idle_ms = heard_ms = 0;
  on_sent = nullptr;
  on_done = nullptr;
  on_data_ = nullptr;
  std::string().swap(staged_);
  response_ = {};
  received_ = 0;
  error_[0] = '\0';
}

int Transfer::on_prereq(void* self, char*, char*, int, int) {
  auto& transfer = *static_cast<Transfer*>(self);
  if (transfer.sent_) {
    // libcurl would repeat the request, as the kept connection broke. The provider may have run it
    // already, and no limit has been asked for a second time: that is the engine's to decide.
    transfer.resend_refused_ = true;
    return CURL_PREREQFUNC_ABORT;
  }
  transfer.sent_ = true;
  transfer.sent_list_->push_back(transfer.id);
  return CURL_PREREQFUNC_OK;
}

bool Transfer::fits(size_t more) {
  received_ += static_cast<int64_t>(more);
  too_long_ = too_long_ || received_ > max_response_bytes_;
  return !too_long_;
}

void Transfer::take_header(std::string_view line) {
  if (line.substr(0, 5) == "HTTP/") {  // of an interim answer before, or of the final one
    response_.headers.clear();
    return;
  }
  if (on_data_ && provider::trimmed(line).empty()) {  // the end of the head
    long http_status = 0;
    curl().easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &http_status);
    streams_ = http_status >= 200 && http_status <= 299;
    response_.http_status = static_cast<int>(http_status);
    if (streams_) note_heard();
    return;
  }
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return;
  response_.headers.emplace_back(std::string(line.substr(0, colon)),
                                 std::string(provider::trimmed(line.substr(colon + 1))));
}

// Nothing may be thrown through libcurl, which ends the call where 0 is returned.
template <typename Take>
size_t Transfer::take(Take&& take_it) {
  try {
    return take_it();
  } catch (const std::bad_alloc&) {
    no_memory_ = true;
    return 0;
  }
}

size_t Transfer::on_header(char* data, size_t size, size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  const size_t bytes = size * count;
  if (!transfer.fits(bytes)) return 0;
  return transfer.take([&] {
    transfer.take_header({data, bytes});
    return bytes;
  });
}

size_t Transfer::on_body(char* data, size_t size, size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  const size_t bytes = size * count;
  if (transfer.streams_) return transfer.take([&] { return transfer.stage({data, bytes}); });
  if (!transfer.fits(bytes)) return 0;
  return transfer.take([&] {
    transfer.response_.body.append(data, bytes);
    return bytes;
  });
}

void Transfer::note_heard() {
  if (noted_) return;
  noted_ = true;
  heard_list_->push_back(id);
}

// What is refused here comes again, when let_go() says so.
size_t Transfer::stage(std::string_view bytes) {
  if (paused || staged_.size() >= kMostStaged) {
    held_ = true;
    return CURL_WRITEFUNC_PAUSE;
  }
  if (!fits(bytes.size())) return 0;
  staged_.append(bytes);
  note_heard();
  return bytes.size();
}

// The reader may cancel this very call, or close the client: then nothing here may be touched any
// more, which the caller finds out by the id. So its function is kept alive on the stack.
bool Transfer::hand_over() {
  noted_ = false;
  if (staged_.empty() || !on_data_) return true;
  const std::string bytes = std::exchange(staged_, {});
  const decltype(on_data_) on_data = on_data_;
  return (*on_data)(response_, bytes);
}

CURLcode Transfer::let_go() {
  if (!std::exchange(held_, false)) return CURLE_OK;
  return curl().easy_pause(easy_, CURLPAUSE_CONT);
}

CallResult Transfer::result(CURLcode code) {
  long http_status = 0;
  if (easy_ != nullptr) curl().easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &http_status);
  CallResult result;
  if (code == CURLE_OK) {
    result.status = core::Status::kOk;
    result.response = std::move(response_);
  } else {
    result = failure(code);
  }
  result.sent = sent_;
  if (looks_closely_ && easy_ != nullptr) {
    result.findings = std::make_unique<Findings>(findings_of(easy_, code, through_proxy_));
  }
  result.response.http_status = static_cast<int>(http_status);
  return result;
}

CallResult Transfer::failure(CURLcode code) const {
  CallResult result;
  result.status = status_of(code);
  result.permanent = is_permanent(code);
  if (no_memory_ || code == CURLE_OUT_OF_MEMORY) {
    result.status = core::Status::kNoMem;
    result.message = "no memory is left for the answer of " + host_;
  } else if (too_long_) {
    result.status = core::Status::kTransport;
    result.message = "the answer of " + host_ + " is longer than " +
                     std::to_string(max_response_bytes_) + " bytes";
  } else if (silent) {
    result.message =
        host_ + " said nothing for " + std::to_string(idle_ms) + " ms in the middle of its answer";
  } else if (resend_refused_) {
    result.status = core::Status::kTransport;
    result.message = host_ + " closed the connection without an answer";
  } else {
    long os_error = 0;
    if (easy_ != nullptr) curl().easy_getinfo(easy_, CURLINFO_OS_ERRNO, &os_error);
    result.message = describe(code, host_, trust_, error_.data(), static_cast<int>(os_error));
  }
  return result;
}

}  // namespace llmq::http
