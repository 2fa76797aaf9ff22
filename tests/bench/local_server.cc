#include "local_server.h"

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

namespace llmq::bench {
namespace {

constexpr const char* kProgram = "/usr/sbin/nginx";

// The size of a short answer of a provider.
constexpr const char* kAnswer =
    R"({"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"bench",)"
    R"("choices":[{"index":0,"message":{"role":"assistant","content":"The answer is forty-two."},)"
    R"("finish_reason":"stop"}],"usage":{"prompt_tokens":12,"completion_tokens":7,)"
    R"("total_tokens":19}})";

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

void write_settings(const std::string& folder, int port) {
  std::ofstream out(folder + "/nginx.conf");
  out << "daemon off;\nworker_processes 1;\npid " << folder << "/pid;\n"
      << "error_log /dev/null;\nevents { worker_connections 1024; }\n"
      << "http {\n  access_log off;\n  keepalive_requests 1000000000;\n  keepalive_timeout 600;\n"
      << "  client_body_temp_path " << folder << "/body;\n  proxy_temp_path " << folder
      << "/proxy;\n  fastcgi_temp_path " << folder << "/fastcgi;\n  uwsgi_temp_path " << folder
      << "/uwsgi;\n  scgi_temp_path " << folder << "/scgi;\n"
      << "  server {\n    listen 127.0.0.1:" << port << ";\n    location / {\n"
      << "      default_type application/json;\n      return 200 '" << kAnswer
      << "';\n    }\n  }\n}\n";
}

}  // namespace

LocalServer::LocalServer() {
  if (access(kProgram, X_OK) != 0) return;
  std::string pattern = (std::filesystem::temp_directory_path() / "llmq-bench-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) return;
  folder_ = pattern;
  port_ = free_port();
  write_settings(folder_, port_);
  const std::string settings = folder_ + "/nginx.conf";
  const std::array<std::string, 5> words{kProgram, "-p", folder_, "-c", settings};
  std::array<char*, words.size() + 1> arguments{};
  for (size_t i = 0; i < words.size(); ++i) arguments[i] = const_cast<char*>(words[i].c_str());
  if (posix_spawn(&pid_, kProgram, nullptr, nullptr, arguments.data(), environ) != 0) pid_ = -1;
  base_url_ = "http://127.0.0.1:" + std::to_string(port_) + "/v1";
  for (int tries = 0; pid_ > 0 && !answers() && tries < 1000; ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // nothing tells that it listens
  }
}

LocalServer::~LocalServer() {
  if (pid_ > 0) {
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
  }
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

bool LocalServer::answers() const {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port_);
  const bool connected =
      connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(socket);
  return connected;
}

}  // namespace llmq::bench
