#include "scripted_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cassert>
#include <cstdlib>

namespace llmq::http {
namespace {

struct Listener {
  int fd;
  int port;
};

Listener bind_loopback() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (fd < 0 || ::bind(fd, any, length) != 0 || ::getsockname(fd, any, &length) != 0) std::abort();
  return {fd, ntohs(address.sin_port)};
}

// Bytes of body that a request's head announces.
size_t content_length(std::string_view head) {
  constexpr std::string_view kName = "Content-Length: ";
  const size_t at = head.find(kName);
  if (at == std::string_view::npos) return 0;
  return std::strtoul(std::string(head.substr(at + kName.size(), 20)).c_str(), nullptr, 10);
}

}  // namespace

std::optional<std::string> Connection::read_request() {
  constexpr std::string_view kEndOfHead = "\r\n\r\n";
  for (;;) {
    const size_t end = buffered_.find(kEndOfHead);
    if (end != std::string::npos) {
      const size_t head = end + kEndOfHead.size();
      const size_t whole = head + content_length(std::string_view(buffered_).substr(0, head));
      if (buffered_.size() >= whole) {
        std::string request = buffered_.substr(0, whole);
        buffered_.erase(0, whole);
        return request;
      }
    }
    std::array<char, 65536> chunk{};
    const ssize_t got = ::recv(fd_, chunk.data(), chunk.size(), 0);
    if (got <= 0) return std::nullopt;
    buffered_.append(chunk.data(), static_cast<size_t>(got));
  }
}

void Connection::write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
    if (put <= 0) return;
    text.remove_prefix(static_cast<size_t>(put));
  }
}

void Connection::wait_for_end() {
  std::array<char, 4096> chunk{};
  while (::recv(fd_, chunk.data(), chunk.size(), 0) > 0) {
  }
}

void Connection::close() {
  if (closed_) return;
  closed_ = true;
  ::shutdown(fd_, SHUT_RDWR);
}

void Connection::reset() {
  closed_ = true;
  // Disconnecting a TCP socket sends RST and leaves its number taken.
  sockaddr unspecified{};
  unspecified.sa_family = AF_UNSPEC;
  ::connect(fd_, &unspecified, sizeof unspecified);
}

ScriptedServer::ScriptedServer(Script script) : script_(std::move(script)) {
  const Listener listener = bind_loopback();
  listener_ = listener.fd;
  port_ = listener.port;
  if (::listen(listener_, 1024) != 0) std::abort();
  acceptor_ = std::thread([this] { accept_all(); });
}

void ScriptedServer::accept_all() {
  for (;;) {
    const int fd = ::accept(listener_, nullptr, nullptr);
    const std::lock_guard<std::mutex> lock(mutex_);
    if (fd < 0) return;
    const int number = static_cast<int>(sockets_.size());
    sockets_.push_back(fd);
    if (stopping_) return;
    threads_.emplace_back([this, fd, number] {
      Connection connection(fd, number);
      script_(connection);
      connection.close();
    });
  }
}

ScriptedServer::~ScriptedServer() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
    for (const int fd : sockets_) ::shutdown(fd, SHUT_RDWR);
  }
  ::shutdown(listener_, SHUT_RDWR);  // wakes accept() on Linux
  acceptor_.join();
  for (std::thread& thread : threads_) thread.join();
  for (const int fd : sockets_) ::close(fd);
  ::close(listener_);
}

int ScriptedServer::connections() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return static_cast<int>(sockets_.size());
}

std::string ScriptedServer::authority() const { return "127.0.0.1:" + std::to_string(port_); }

std::string ScriptedServer::url(const std::string& scheme) const {
  return scheme + "://" + authority() + "/v1/chat/completions";
}

std::string answer(std::string_view body, std::string_view head) {
  return std::string("HTTP/1.1 ")
      .append(head)
      .append("\r\nContent-Type: application/json\r\nContent-Length: ")
      .append(std::to_string(body.size()))
      .append("\r\n\r\n")
      .append(body);
}

int unused_port() {
  const Listener listener = bind_loopback();
  ::close(listener.fd);
  return listener.port;
}

}  // namespace llmq::http
