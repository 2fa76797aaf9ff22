#include "certificates.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace llmq::test {
namespace {

const std::string kNewKey = " -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes ";

bool run(const std::string& command) {
  return std::system((command + " >/dev/null 2>&1").c_str()) == 0;
}

}  // namespace

Certificates::Certificates() {
  std::string pattern = (std::filesystem::temp_directory_path() / "llmq-certs-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) return;
  folder_ = pattern;
  made_ = make_own("ca", "llmq test CA") && make_own("stranger", "stranger") &&
          make_signed("server", "127.0.0.1", "IP:127.0.0.1") &&
          make_signed("other", "other.example", "DNS:other.example") &&
          make_signed("client", "a client", "DNS:client.example");
}

Certificates::~Certificates() {
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

std::string Certificates::nginx_lines() const {
  return "    ssl_certificate " + server() + ";\n    ssl_certificate_key " + server_key() + ";\n";
}

bool Certificates::make_own(const std::string& name, const std::string& subject) const {
  return run("openssl req -x509" + kNewKey + "-days 40 -subj '/CN=" + subject + "' -keyout " +
             path(name + ".key") + " -out " + path(name + ".pem"));
}

bool Certificates::make_signed(const std::string& name, const std::string& subject,
                               const std::string& alternative) const {
  std::ofstream(path(name + ".ext")) << "subjectAltName=" << alternative << "\n";
  return run("openssl req -new" + kNewKey + "-subj '/CN=" + subject + "' -keyout " +
             path(name + ".key") + " -out " + path(name + ".csr")) &&
         run("openssl x509 -req -days 40 -in " + path(name + ".csr") + " -CA " + ca() + " -CAkey " +
             path("ca.key") + " -CAcreateserial -extfile " + path(name + ".ext") + " -out " +
             path(name + ".pem"));
}

}  // namespace llmq::test
