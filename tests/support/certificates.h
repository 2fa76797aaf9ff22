// A certificate authority of the test's own, made with the openssl program.
#ifndef LLMQ_TESTS_SUPPORT_CERTIFICATES_H_
#define LLMQ_TESTS_SUPPORT_CERTIFICATES_H_

#include <string>

namespace llmq::test {

class Certificates {
 public:
  Certificates();
  ~Certificates();
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;

  bool made() const { return made_; }  // false without openssl

  std::string ca() const { return path("ca.pem"); }
  // Of 127.0.0.1, signed by the authority, good for 40 days.
  std::string server() const { return path("server.pem"); }
  std::string server_key() const { return path("server.key"); }
  // Of a client, signed by the authority.
  std::string client() const { return path("client.pem"); }
  std::string client_key() const { return path("client.key"); }
  // Of a client that signed its own.
  std::string stranger() const { return path("stranger.pem"); }
  std::string stranger_key() const { return path("stranger.key"); }
  // Signed by the authority, but for another host.
  std::string other_host() const { return path("other.pem"); }
  std::string other_host_key() const { return path("other.key"); }

  // Directives of nginx that show the server's certificate.
  std::string nginx_lines() const;

 private:
  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  bool make_own(const std::string& name, const std::string& subject) const;
  bool make_signed(const std::string& name, const std::string& subject,
                   const std::string& alternative) const;

  std::string folder_;
  bool made_ = false;
};

}  // namespace llmq::test

#endif  // LLMQ_TESTS_SUPPORT_CERTIFICATES_H_
