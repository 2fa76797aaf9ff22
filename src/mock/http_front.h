// Joins three parties: libmicrohttpd, which speaks HTTP; the Service, which decides; the loop,
// which tells time.
#ifndef LLMQ_MOCK_HTTP_FRONT_H_
#define LLMQ_MOCK_HTTP_FRONT_H_

#include <microhttpd.h>
#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_set>

#include "mock/options.h"
#include "mock/peer.h"
#include "mock/service.h"

namespace llmq::mock {

// Lives until it is closed, the loop has let go of its handles and its holder has released it.
class HttpFront {
 public:
  HttpFront(uv_loop_t* loop, const Options& options);

  // Why it cannot listen; "" if it does. If it cannot, release() is all that is left to do.
  std::string open(uint16_t port);
  uint16_t port() const { return port_; }
  std::string stats_json() const;
  void close(std::function<void()> closed);
  // The holder has no more use for it.
  void release();

 private:
  // A request on its way through libmicrohttpd, from its first header to its end.
  struct Exchange {
    enum class State { kReading, kTooLarge, kWaiting, kDue, kLeft, kStreaming, kAnswered };

    HttpFront* front = nullptr;
    MHD_Connection* connection = nullptr;
    Peer* peer = nullptr;
    State state = State::kReading;
    std::string body;
    Call call;
    std::multimap<Nanos, Exchange*>::iterator due;  // only if is_timed
    bool is_timed = false;
    bool is_streaming = false;
    // Of a stream: what libmicrohttpd has still to take, and how it ends after that.
    std::string pending;
    size_t taken = 0;
    bool is_cut = false;
  };

  ~HttpFront() = default;

  // What libmicrohttpd calls.
  static MHD_Result on_request(void* front, MHD_Connection* connection, const char* url,
                               const char* method, const char* version, const char* data,
                               size_t* size, void** exchange);
  static void on_completed(void* front, MHD_Connection* connection, void** exchange,
                           MHD_RequestTerminationCode reason);
  static void on_connection(void* front, MHD_Connection* connection, void** peer,
                            MHD_ConnectionNotificationCode what);

  static ssize_t on_read(void* exchange, uint64_t position, char* buffer, size_t size);

  Exchange* begin(MHD_Connection* connection);
  static void take_data(Exchange& exchange, const char* data, size_t size);
  static Incoming incoming_of(const Exchange& exchange, const char* url, const char* method);
  MHD_Result serve(Exchange& exchange, const char* url, const char* method);
  // Suspends the exchange until a time on our clock, or until its client leaves. False if the
  // client cannot be watched.
  bool wait(Exchange& exchange, std::optional<Nanos> until);
  MHD_Result answer(Exchange& exchange);
  ssize_t read(Exchange& exchange, char* buffer, size_t size);
  // Adds the next events of a stream to what is pending, or waits for them.
  bool read_step(Exchange& exchange);
  void end(Exchange* exchange);

  // A waiting exchange goes on: its time has come, or its client has left.
  void resume(Exchange& exchange, Exchange::State state);
  void on_left(Exchange& exchange);
  void end_those_who_left();

  // The loop's side.
  void run();
  void run_due();
  void arm_timer();
  void handle_closed();
  void maybe_delete();

  static Nanos clock() { return Nanos(static_cast<int64_t>(uv_hrtime())); }

  uv_loop_t* loop_;
  Service service_;
  MHD_Daemon* daemon_ = nullptr;
  uint16_t port_ = 0;
  uv_poll_t poll_{};    // libmicrohttpd's own epoll
  uv_timer_t timer_{};  // the next answer due, or libmicrohttpd's time-out
  std::multimap<Nanos, Exchange*> due_;
  std::unordered_set<Exchange*> waiting_;  // the suspended ones, hanging or timed
  int open_handles_ = 0;                   // ours and the peers'
  bool is_closing_ = false;
  bool is_released_ = false;
  std::function<void()> closed_;
};

}  // namespace llmq::mock

#endif  // LLMQ_MOCK_HTTP_FRONT_H_
