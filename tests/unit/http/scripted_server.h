// A TCP server on loopback that does what a test says, good manners or not.
#ifndef LLMQ_TESTS_UNIT_HTTP_SCRIPTED_SERVER_H_
#define LLMQ_TESTS_UNIT_HTTP_SCRIPTED_SERVER_H_

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace llmq::http {

// One accepted connection, in the hands of a script.
class Connection {
 public:
  Connection(int fd, int number) : fd_(fd), number_(number) {}

  int number() const { return number_; }      // from 0, in order of arrival
  std::optional<std::string> read_request();  // head and body; nothing at the end of input
  void write(std::string_view text);
  void wait_for_end();  // until the client closes
  void reset();         // ends with RST instead of FIN
  void close();

 private:
  const int fd_;
  const int number_;
  bool closed_ = false;
  std::string buffered_;
};

// Runs the script once per connection, each on a thread of its own; the connection closes when it
// returns.
class ScriptedServer {
 public:
  using Script = std::function<void(Connection&)>;

  explicit ScriptedServer(Script script);
  ~ScriptedServer();  // ends all connections and waits for their scripts
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::string url(const std::string& scheme = "http") const;
  std::string authority() const;
  int connections();

 private:
  void accept_all();

  const Script script_;
  int listener_ = -1;
  int port_ = 0;
  std::mutex mutex_;
  bool stopping_ = false;
  std::vector<int> sockets_;  // closed by the destructor alone, so that no number is used twice
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

// A whole answer of HTTP/1.1, to be followed by another one.
std::string answer(std::string_view body, std::string_view head = "200 OK");

// A port of 127.0.0.1 where nobody listens.
int unused_port();

}  // namespace llmq::http

#endif  // LLMQ_TESTS_UNIT_HTTP_SCRIPTED_SERVER_H_
