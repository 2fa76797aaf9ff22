#include "nginx.h"

#include <arpa/inet.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

extern char** environ;

namespace llmq::test {
namespace {

constexpr const char* kProgram = "/usr/sbin/nginx";

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  int port = 0;
  if (bind(socket, reinterpret_cast<sockaddr*>(&address), length) == 0 &&
      getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length) == 0) {
    port = ntohs(address.sin_port);
  }
  close(socket);
  return port;
}

void write_settings(const std::string& folder, int port, const std::string& server,
                    const std::string& listen) {
  std::ofstream out(folder + "/nginx.conf");
  out << "daemon off;\nworker_processes 1;\npid " << folder << "/pid;\n"
      << "error_log /dev/null;\nevents { worker_connections 1024; }\n"
      << "http {\n  access_log off;\n  keepalive_requests 1000000000;\n  keepalive_timeout 600;\n"
      << "  client_body_temp_path " << folder << "/body;\n  proxy_temp_path " << folder
      << "/proxy;\n  fastcgi_temp_path " << folder << "/fastcgi;\n  uwsgi_temp_path " << folder
      << "/uwsgi;\n  scgi_temp_path " << folder << "/scgi;\n"
      << "  server {\n    listen 127.0.0.1:" << port << " " << listen << ";\n"
      << server << "\n  }\n}\n";
}

}  // namespace

bool Nginx::is_installed() { return access(kProgram, X_OK) == 0; }

Nginx::Nginx(const std::string& server, const std::string& listen) {
  if (!is_installed()) return;
  std::string pattern = (std::filesystem::temp_directory_path() / "llmq-nginx-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) return;
  folder_ = pattern;
  // Somebody else may take the port that was free a moment ago.
  for (int tries = 0; tries < 5 && pid_ <= 0; ++tries) start(server, listen);
}

Nginx::~Nginx() {
  if (pid_ > 0) {
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
  }
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

std::string Nginx::url(const std::string& scheme) const {
  return scheme + "://127.0.0.1:" + std::to_string(port_);
}

void Nginx::start(const std::string& server, const std::string& listen) {
  port_ = free_port();
  write_settings(folder_, port_, server, listen);
  const std::string settings = folder_ + "/nginx.conf";
  const std::array<std::string, 7> words{kProgram, "-p", folder_,    "-c",
                                         settings, "-e", "/dev/null"};
  std::array<char*, words.size() + 1> arguments{};
  for (size_t i = 0; i < words.size(); ++i) arguments[i] = const_cast<char*>(words[i].c_str());
  if (posix_spawn(&pid_, kProgram, nullptr, nullptr, arguments.data(), environ) != 0) pid_ = -1;
  while (pid_ > 0 && !has_ended() && !listens()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // nothing tells that it listens
  }
}

bool Nginx::has_ended() {
  if (waitpid(pid_, nullptr, WNOHANG) == 0) return false;
  pid_ = -1;
  return true;
}

bool Nginx::listens() const {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port_);
  const bool connected =
      connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(socket);
  return connected;
}

}  // namespace llmq::test
