// nginx on a free loopback port, answering every request with the same JSON.
#ifndef LLMQ_TESTS_BENCH_LOCAL_SERVER_H_
#define LLMQ_TESTS_BENCH_LOCAL_SERVER_H_

#include <sys/types.h>

#include <string>

namespace llmq::bench {

class LocalServer {
 public:
  LocalServer();
  ~LocalServer();
  LocalServer(const LocalServer&) = delete;
  LocalServer& operator=(const LocalServer&) = delete;

  bool runs() const { return pid_ > 0; }  // false if there is no nginx
  const std::string& base_url() const { return base_url_; }

 private:
  bool answers() const;

  std::string folder_;
  std::string base_url_;
  int port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace llmq::bench

#endif  // LLMQ_TESTS_BENCH_LOCAL_SERVER_H_
