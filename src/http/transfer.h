// One call on one easy handle of libcurl.
#ifndef LLMQ_HTTP_TRANSFER_H_
#define LLMQ_HTTP_TRANSFER_H_

#include <curl/curl.h>

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "http/client.h"
#include "http/header_list.h"
#include "http/socket_watcher.h"

namespace llmq::http {

// A reusable easy handle: prepare() sets it up for a call, result() says how the call ended,
// reset() forgets the call. Between reset() and prepare() it holds nothing of a caller.
class Transfer {
 public:
  // The sockets of this transfer are announced to `sockets`; its id is appended to `sent` when its
  // request is about to be written, to `heard` when the answer that it streams has gone on. All
  // outlive it.
  Transfer(SocketWatcher* sockets, std::vector<CallId>* sent, std::vector<CallId>* heard,
           int64_t max_response_bytes);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  // The transfer has the id even if this fails, for which result() then tells why.
  CURLcode prepare(CallId id, const Call& call);
  CallResult result(CURLcode code);
  void reset();

  // Hands over what was read of a streamed answer. False: its reader takes no more, or it is gone.
  bool hand_over();
  // After hand_over: lets libcurl go on if it was held. May call the write function, and so append
  // to `heard`.
  CURLcode let_go();

  CURL* easy() const { return easy_; }
  static Transfer* of(CURL* easy);

  // For the client that owns this.
  CallId id = 0;  // 0 = unused
  bool running = false;
  std::function<void()> on_sent;
  std::function<void(CallResult)> on_done;
  bool paused = false;    // by the reader
  uint64_t idle_ms = 0;   // longest silence of a streamed answer; 0 = any
  uint64_t heard_ms = 0;  // when it last said something, on the loop's clock; 0 = not begun
  bool silent = false;    // ended because it said nothing

 private:
  CURLcode set_fixed_options();
  CURLcode set_trust(const Transport& transport);
  CallResult failure(CURLcode code) const;
  template <typename Take>
  size_t take(Take&& take_it);
  bool fits(size_t more);
  void take_header(std::string_view line);
  void note_heard();
  size_t stage(std::string_view bytes);

  static int on_prereq(void* self, char*, char*, int, int);
  static size_t on_header(char* data, size_t size, size_t count, void* self);
  static size_t on_body(char* data, size_t size, size_t count, void* self);

  CURL* const easy_;  // nullptr if memory was used up
  SocketWatcher* const sockets_;
  std::vector<CallId>* const sent_list_;
  std::vector<CallId>* const heard_list_;
  const int64_t max_response_bytes_;

  bool has_fixed_options_ = false;
  HeaderList headers_;
  Transport trust_;   // what the handle has been told to trust
  std::string host_;  // for messages
  provider::WireResponse response_;
  int64_t received_ = 0;
  bool sent_ = false;
  bool resend_refused_ = false;
  bool too_long_ = false;
  bool no_memory_ = false;
  bool looks_closely_ = false;
  bool through_proxy_ = false;
  std::shared_ptr<const decltype(Call::on_data)> on_data_;
  std::string staged_;    // read, not yet handed over
  bool streams_ = false;  // a 2xx answer with a reader
  bool noted_ = false;    // in heard_list_
  bool held_ = false;     // libcurl holds what did not fit into staged_
  std::array<char, CURL_ERROR_SIZE> error_{};
};

}  // namespace llmq::http

#endif  // LLMQ_HTTP_TRANSFER_H_
