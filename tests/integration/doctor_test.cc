// `llmq doctor`: each thing that can stand between a configuration and an answer, on real sockets.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "integration/program.h"
#include "support/certificates.h"
#include "support/nginx.h"
#include "unit/http/scripted_server.h"

namespace llmq::test {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kKey = "sk-the-secret-of-this-test";
const Program::Environment kEnvironment{{"OPENAI_API_KEY", kKey}};

// Answers as a provider does, without header lines of limits.
constexpr const char* kPlain =
    "location / { default_type application/json; return 200 '{\"object\":\"chat.completion\","
    "\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"Hi\"},"
    "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1,"
    "\"total_tokens\":2}}'; }";

std::string refusing(const std::string& status, const std::string& message) {
  return "location / { default_type application/json; return " + status +
         " '{\"error\":{\"message\":\"" + message + "\"}}'; }";
}

// A port where nobody listens: it was free, and stays bound until the test ends.
class DeadPort {
 public:
  DeadPort() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    ::bind(socket_, reinterpret_cast<sockaddr*>(&address), length);
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &length);
    authority_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  }
  ~DeadPort() { ::close(socket_); }
  DeadPort(const DeadPort&) = delete;
  DeadPort& operator=(const DeadPort&) = delete;
  const std::string& authority() const { return authority_; }

 private:
  int socket_;
  std::string authority_;
};

// Runs the doctor; whatever it says, the key is not in it.
struct Visit {
  Visit(const Directory& dir, const Arguments& options,
        const Program::Environment& environment = kEnvironment) {
    Arguments all{"doctor", "--model", "m"};
    all.insert(all.end(), options.begin(), options.end());
    Program doctor(dir, all, environment);
    code = doctor.wait();
    out = doctor.out();
    err = doctor.err();
    EXPECT_THAT(out + err, Not(HasSubstr("secret")));
  }
  int code;
  std::string out;
  std::string err;
};

std::string config_of(const Directory& dir, const std::string& settings) {
  return dir.write("c.json", R"({"models":[{"name":"m","provider":"openai",)" + settings + "}]}");
}

TEST(Doctor, FindsNothingWhereAllIsWell) {
  const Directory dir;
  Mock mock(dir, {"--limit", "requests=100/1m"});
  const Visit visit(dir, {"--base-url", mock.url(), "--limit", "requests=100/1m"});
  EXPECT_EQ(visit.code, 0) << visit.out << visit.err;
  EXPECT_THAT(visit.out, ContainsRegex("ok +config"));
  EXPECT_THAT(visit.out, ContainsRegex("ok +key +from environment variable OPENAI_API_KEY"));
  EXPECT_THAT(visit.out, ContainsRegex("ok +proxy +none"));
  EXPECT_THAT(visit.out, ContainsRegex("ok +connect +127.0.0.1:[0-9]+ in"));
  EXPECT_THAT(visit.out, ContainsRegex("ok +request +HTTP 200"));
  EXPECT_THAT(visit.out, ContainsRegex("(ok|warn) +latency +[0-9.]+ ms to the first byte"));
  EXPECT_THAT(visit.out, ContainsRegex("limits +requests: the provider tells a limit of 100"));
  EXPECT_THAT(visit.out, HasSubstr("configured: requests=100/1m"));
  EXPECT_THAT(visit.out, Not(HasSubstr("fail")));
  EXPECT_EQ(number(mock.stop(), "requests"), 1);
}

TEST(Doctor, SaysThatMoreIsConfiguredThanTheProviderAllows) {
  const Directory dir;
  Mock mock(dir, {"--limit", "requests=100/1m"});
  const Visit visit(dir, {"--base-url", mock.url(), "--limit", "requests=500/1m"});
  EXPECT_EQ(visit.code, 0) << visit.out;
  EXPECT_THAT(visit.out,
              ContainsRegex("warn +limits +requests: the provider tells a limit of 100"));
  EXPECT_THAT(visit.out, HasSubstr("-> configure requests=100"));
}

TEST(Doctor, SendsNothingOffline) {
  const Directory dir;
  Mock mock(dir);
  const Visit visit(dir, {"--base-url", mock.url(), "--offline"});
  EXPECT_EQ(visit.code, 0) << visit.out;
  EXPECT_THAT(visit.out, ContainsRegex("ok +connect"));
  EXPECT_THAT(visit.out, HasSubstr("none was sent (--offline)"));
  EXPECT_EQ(number(mock.stop(), "requests"), 0);
}

TEST(Doctor, SaysThatThePortIsClosed) {
  const Directory dir;
  const DeadPort port;
  const Visit visit(dir, {"--base-url", "http://" + port.authority() + "/v1"});
  EXPECT_EQ(visit.code, 1) << visit.out;
  EXPECT_THAT(visit.out, ContainsRegex("fail +connect +cannot connect to 127.0.0.1"));
  EXPECT_THAT(visit.out, HasSubstr("-> look whether something listens there"));
  EXPECT_THAT(visit.out, ContainsRegex("skip +request"));
}

TEST(Doctor, SaysThatTheHostIsUnknown) {
  const Directory dir;
  const Visit visit(dir, {"--base-url", "https://nowhere.invalid/v1"},
                    {{"OPENAI_API_KEY", kKey}, {"no_proxy", "*"}});
  EXPECT_EQ(visit.code, 1) << visit.out;
  EXPECT_THAT(visit.out, ContainsRegex("fail +dns +cannot resolve the host of nowhere.invalid"));
  EXPECT_THAT(visit.out, ContainsRegex("skip +connect"));
}

TEST(Doctor, SaysThatTheKeyIsMissing) {
  const Directory dir;
  const Visit visit(dir, {"--base-url", "https://nowhere.invalid/v1", "--json"},
                    {{"no_proxy", "*"}});
  EXPECT_EQ(visit.code, 1) << visit.out;
  EXPECT_THAT(visit.out, HasSubstr("\"check\":\"key\",\"result\":\"fail\""));
  EXPECT_THAT(visit.out, HasSubstr("the environment variable OPENAI_API_KEY is not set"));
}

TEST(Doctor, WarnsOfAKeyFileThatEverybodyCanRead) {
  const Directory dir;
  Mock mock(dir);
  const std::string file = dir.write("key", kKey);
  ASSERT_EQ(::chmod(file.c_str(), 0644), 0);
  const std::string config =
      config_of(dir, "\"base_url\":\"" + mock.url() + "\",\"api_key_file\":\"" + file + "\"");
  const Visit visit(dir, {"--config", config}, {});
  EXPECT_EQ(visit.code, 0) << visit.out;
  EXPECT_THAT(visit.out, ContainsRegex("ok +key +from file "));
  EXPECT_THAT(visit.out, HasSubstr("-> chmod o-r " + file));
}

TEST(Doctor, SaysWhatIsWrongWithTheConfiguration) {
  const Directory dir;
  const std::string config = dir.write("c.json", R"({"models":[{"name":"m","rpm":-1}]})");
  const Visit visit(dir, {"--config", config, "--json"});
  EXPECT_EQ(visit.code, 1);
  EXPECT_THAT(visit.out, HasSubstr("{\"ok\":false,\"checks\":[{\"model\":null,\"check\":\"config\","
                                   "\"result\":\"fail\""));
  EXPECT_THAT(visit.out, HasSubstr("models[0].rpm"));
}

TEST(Doctor, SaysThatTheProxyIsDown) {
  const Directory dir;
  const DeadPort port;
  const std::string config = config_of(dir, "\"proxy\":\"http://user:secret@" + port.authority() +
                                                "\",\"base_url\":\"https://nowhere.invalid/v1\"");
  const Visit visit(dir, {"--config", config});
  EXPECT_EQ(visit.code, 1) << visit.out;
  EXPECT_THAT(visit.out, HasSubstr("through " + port.authority()));
  EXPECT_THAT(visit.out, ContainsRegex("fail +proxy"));
}

TEST(Doctor, SaysThatTheClockIsWrong) {
  const Directory dir;
  http::ScriptedServer server([](http::Connection& connection) {
    if (!connection.read_request()) return;
    connection.write(http::answer("{}", "200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT"));
    connection.wait_for_end();
  });
  const Visit visit(dir, {"--base-url", server.url()});
  EXPECT_THAT(visit.out, ContainsRegex("warn +clock +[0-9]+.[0-9] s ahead of"));
  EXPECT_THAT(visit.out, HasSubstr("-> set this machine's clock"));
}

class DoctorWithServer : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!Nginx::is_installed()) GTEST_SKIP() << "nginx is not installed";
  }
  const Directory dir_;
};

TEST_F(DoctorWithServer, SaysThatTheKeyIsRefused) {
  // Providers repeat the key that they were sent.
  const Nginx server(refusing("401", "Incorrect API key: $http_authorization"));
  ASSERT_TRUE(server.runs());
  const Visit visit(dir_, {"--base-url", server.url() + "/v1"});
  EXPECT_EQ(visit.code, 1) << visit.out;
  EXPECT_THAT(visit.out, ContainsRegex("fail +request +HTTP 401: .*Incorrect API key"));
  EXPECT_THAT(visit.out, HasSubstr("-> the provider refuses the key"));
}

TEST_F(DoctorWithServer, SaysThatTheModelIsUnknown) {
  const Nginx server(refusing("404", "The model m does not exist"));
  ASSERT_TRUE(server.runs());
  const Visit visit(dir_, {"--base-url", server.url() + "/v1"});
  EXPECT_EQ(visit.code, 1) << visit.out;
  EXPECT_THAT(visit.out, ContainsRegex("fail +request +HTTP 404: .*The model m does not exist"));
}

TEST_F(DoctorWithServer, SaysThatNoLimitsAreShown) {
  const Nginx server(kPlain);
  ASSERT_TRUE(server.runs());
  const Visit visit(dir_, {"--base-url", server.url() + "/v1"});
  EXPECT_EQ(visit.code, 0) << visit.out;
  EXPECT_THAT(visit.out, ContainsRegex("warn +limits +the answer shows none"));
}

class DoctorWithTls : public DoctorWithServer {
 protected:
  void SetUp() override {
    DoctorWithServer::SetUp();
    if (!certificates_.made()) GTEST_SKIP() << "the openssl program is not installed";
  }
  std::string config(const Nginx& server, const std::string& more) const {
    return config_of(dir_, "\"base_url\":\"" + server.url("https") + "/v1\"" + more);
  }
  const Certificates certificates_;
};

TEST_F(DoctorWithTls, SaysThatTheCertificateIsOfNobodyItTrusts) {
  const Nginx server(certificates_.nginx_lines() + kPlain, "ssl");
  ASSERT_TRUE(server.runs());
  const Visit visit(dir_, {"--config", config(server, "")});
  EXPECT_EQ(visit.code, 1) << visit.out;
  EXPECT_THAT(visit.out, ContainsRegex("fail +tls +the TLS certificate of 127.0.0.1:[0-9]+ does"));
  EXPECT_THAT(visit.out, HasSubstr("-> name the CA that signed it with ca_file"));
}

TEST_F(DoctorWithTls, TellsHowLongTheCertificateIsGood) {
  const Nginx server(certificates_.nginx_lines() + kPlain, "ssl http2");
  ASSERT_TRUE(server.runs());
  const Visit visit(dir_,
                    {"--config", config(server, ",\"ca_file\":\"" + certificates_.ca() + "\"")});
  EXPECT_EQ(visit.code, 0) << visit.out;
  EXPECT_THAT(visit.out, ContainsRegex("ok +ca_file"));
  EXPECT_THAT(visit.out, ContainsRegex("ok +tls +the certificate verifies, for (39|40) more days"));
  EXPECT_THAT(visit.out, ContainsRegex("ok +request +HTTP 200, HTTP/2"));
}

TEST_F(DoctorWithTls, SaysThatTheCaFileIsMissing) {
  const Nginx server(certificates_.nginx_lines() + kPlain, "ssl");
  ASSERT_TRUE(server.runs());
  const Visit visit(dir_, {"--config", config(server, ",\"ca_file\":\"/no/such/ca.pem\"")});
  EXPECT_EQ(visit.code, 1) << visit.out;
  EXPECT_THAT(visit.out, ContainsRegex("fail +ca_file +/no/such/ca.pem cannot be read"));
}

TEST_F(DoctorWithTls, SaysThatTheServerWantsAClientCertificate) {
  const Nginx server(certificates_.nginx_lines() + "ssl_client_certificate " + certificates_.ca() +
                         ";\nssl_verify_client on;\n" + kPlain,
                     "ssl");
  ASSERT_TRUE(server.runs());
  const std::string trust = ",\"ca_file\":\"" + certificates_.ca() + "\"";
  const Visit without(dir_, {"--config", config(server, trust)});
  EXPECT_EQ(without.code, 1) << without.out;
  EXPECT_THAT(without.out, ContainsRegex("fail +request +HTTP 400"));
  const Visit with(
      dir_, {"--config",
             config(server, trust + ",\"client_cert_file\":\"" + certificates_.client() +
                                "\",\"client_key_file\":\"" + certificates_.client_key() + "\"")});
  EXPECT_EQ(with.code, 0) << with.out;
  EXPECT_THAT(with.out, ContainsRegex("ok +client_key_file"));
}

}  // namespace
}  // namespace llmq::test
