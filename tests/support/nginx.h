// nginx on a free port of 127.0.0.1, in a directory of its own.
#ifndef LLMQ_TESTS_SUPPORT_NGINX_H_
#define LLMQ_TESTS_SUPPORT_NGINX_H_

#include <sys/types.h>

#include <string>

namespace llmq::test {

class Nginx {
 public:
  // `listen`: what follows the address, as "ssl http2". `server`: the rest of the server block.
  explicit Nginx(const std::string& server, const std::string& listen = "");
  ~Nginx();
  Nginx(const Nginx&) = delete;
  Nginx& operator=(const Nginx&) = delete;

  static bool is_installed();

  bool runs() const { return pid_ > 0; }
  int port() const { return port_; }
  std::string url(const std::string& scheme = "http") const;  // without a path

 private:
  void start(const std::string& server, const std::string& listen);
  bool listens() const;
  bool has_ended();

  std::string folder_;
  int port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace llmq::test

#endif  // LLMQ_TESTS_SUPPORT_NGINX_H_
