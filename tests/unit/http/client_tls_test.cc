// TLS against a certificate that the test makes with the openssl program.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "client_fixture.h"

extern char** environ;

namespace llmq::http {
namespace {

using ::testing::HasSubstr;

// `openssl s_server` with a certificate of its own for 127.0.0.1.
class TlsServer {
 public:
  // protocols: what it chooses from by ALPN, as openssl's -alpn; "" = it knows no ALPN.
  explicit TlsServer(std::string protocols = "") : protocols_(std::move(protocols)) {
    std::string name = (std::filesystem::temp_directory_path() / "llmq-tls-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) return;
    directory_ = name;
    const std::string make =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 "
        "-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -keyout " +
        key() + " -out " + certificate() + " 2>/dev/null";
    if (std::system(make.c_str()) == 0) serve();
  }

  ~TlsServer() {
    stop();
    if (input_ >= 0) ::close(input_);
    if (!directory_.empty()) std::filesystem::remove_all(directory_);
  }
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  // Its output ends with it.
  void stop() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

  bool running() const { return !port_.empty(); }
  std::string url() const { return "https://127.0.0.1:" + port_ + "/v1"; }
  std::string certificate() const { return directory_ + "/certificate.pem"; }

  // Waits until it prints a line with this text in it. It prints what it is sent, and what was
  // agreed on. Blocks.
  bool says(const std::string& text) {
    char line[256];
    while (std::fgets(line, sizeof line, output_.get()) != nullptr) {
      if (std::string(line).find(text) != std::string::npos) return true;
    }
    return false;
  }

 private:
  std::string key() const { return directory_ + "/key.pem"; }

  // s_server serves until its input ends, and says on its output where it listens.
  void serve() {
    int input[2];
    int output[2];
    if (::pipe2(input, O_CLOEXEC) != 0 || ::pipe2(output, O_CLOEXEC) != 0) return;
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, input[0], 0);
    posix_spawn_file_actions_adddup2(&files, output[1], 1);
    posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
    std::string arguments[] = {"openssl", "s_server", "-accept", "127.0.0.1:0",
                               "-key",    key(),      "-cert",   certificate()};
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    std::string alpn = "-alpn";
    if (!protocols_.empty()) argv.insert(argv.end(), {alpn.data(), protocols_.data()});
    argv.push_back(nullptr);
    if (::posix_spawnp(&pid_, "openssl", &files, nullptr, argv.data(), environ) != 0) pid_ = -1;
    posix_spawn_file_actions_destroy(&files);
    ::close(input[0]);
    ::close(output[1]);
    input_ = input[1];
    read_port(output[0]);
  }

  void read_port(int output) {
    std::FILE* const lines = ::fdopen(output, "r");
    char line[256];
    while (port_.empty() && std::fgets(line, sizeof line, lines) != nullptr) {
      const std::string text(line);
      if (text.substr(0, 6) != "ACCEPT") continue;
      port_ = text.substr(text.rfind(':') + 1);
      port_.erase(port_.find_last_not_of("\r\n") + 1);
    }
    output_.reset(lines);
  }

  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  std::string protocols_;
  std::string directory_;
  std::string port_;
  pid_t pid_ = -1;
  int input_ = -1;
  std::unique_ptr<std::FILE, CloseFile> output_;
};

bool has_openssl() { return std::system("openssl version >/dev/null 2>&1") == 0; }

TEST_F(HttpClient, TrustsOnlyWhoItKnows) {
  if (!has_openssl()) GTEST_SKIP() << "the openssl program is not installed";
  TlsServer server;
  ASSERT_TRUE(server.running());
  const Watched unknown = run(call_to(server.url()));
  EXPECT_EQ(unknown.result.status, core::Status::kTransport);
  EXPECT_TRUE(unknown.result.permanent);
  EXPECT_FALSE(unknown.result.sent);
  EXPECT_THAT(unknown.result.message, HasSubstr("the TLS certificate of 127.0.0.1:"));
  EXPECT_THAT(unknown.result.message, HasSubstr("does not verify"));

  const auto sends = [this](Call call) {
    Watched watched;
    const CallId id = start(std::move(call), &watched);
    run_until([&watched] { return watched.sent + watched.done > 0; });
    client_->cancel(id);  // s_server answers no POST
    EXPECT_EQ(watched.done, 0) << watched.result.message;
    return watched.sent == 1;
  };
  Call trusting = call_to(server.url());
  trusting.transport.ca_file = server.certificate();
  EXPECT_TRUE(sends(trusting));

  Call careless = call_to(server.url());
  careless.transport.verify_tls = false;
  EXPECT_TRUE(sends(careless));

  // Neither trust nor carelessness of one call is the next one's.
  EXPECT_FALSE(run(call_to(server.url())).result.sent);
}

TEST_F(HttpClient, SpeaksHttp2WhereItIsOffered) {
  if (!has_openssl()) GTEST_SKIP() << "the openssl program is not installed";
  const struct {
    const char* offered;
    const char* first_line;
  } kCases[] = {{"h2,http/1.1", "PRI * HTTP/2.0"},
                {"http/1.1", "POST /v1 HTTP/1.1"},
                {"", "POST /v1 HTTP/1.1"}};
  for (const auto& offer : kCases) {
    TlsServer server(offer.offered);
    ASSERT_TRUE(server.running());
    Call call = call_to(server.url());
    call.transport.ca_file = server.certificate();
    Watched watched;
    const CallId id = start(std::move(call), &watched);
    std::atomic<bool> said{false};
    std::thread reader([&] {
      said = server.says(offer.first_line);
      wake();
    });
    run_until([&] { return said || watched.done > 0; });
    EXPECT_EQ(watched.done, 0) << watched.result.message;
    client_->cancel(id);  // s_server answers no POST
    server.stop();
    reader.join();
    EXPECT_TRUE(said) << offer.offered;
  }
}

TEST_F(HttpClient, NamesACaFileThatCannotBeRead) {
  ScriptedServer server([](Connection& connection) { connection.wait_for_end(); });
  Call call = call_to(server.url("https"));
  call.transport.ca_file = "/no/such/file.pem";
  const Watched watched = run(std::move(call));
  EXPECT_EQ(watched.result.status, core::Status::kInvalidValue);
  EXPECT_THAT(watched.result.message, HasSubstr("the CA file /no/such/file.pem cannot be read"));
}

TEST_F(HttpClient, NamesAClientCertificateThatCannotBeUsed) {
  ScriptedServer server([](Connection& connection) { connection.wait_for_end(); });
  Call call = call_to(server.url("https"));
  call.transport.client_cert_file = "/no/such/client.pem";
  const Watched watched = run(std::move(call));
  EXPECT_EQ(watched.result.status, core::Status::kInvalidValue);
  EXPECT_THAT(watched.result.message, HasSubstr("/no/such/client.pem"));
}

TEST_F(HttpClient, SaysThatTheServerSpeaksNoTls) {
  ScriptedServer server([](Connection& connection) {
    connection.write("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    connection.wait_for_end();
  });
  const Watched watched = run(call_to(server.url("https")));
  EXPECT_EQ(watched.result.status, core::Status::kTransport);
  EXPECT_FALSE(watched.result.sent);
  EXPECT_FALSE(watched.result.permanent);
  EXPECT_THAT(watched.result.message, HasSubstr("the TLS handshake with " + server.authority()));
}

}  // namespace
}  // namespace llmq::http
