// What may go wrong on the way, and what strangers on it may see.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "client_fixture.h"
#include "http/findings.h"

namespace llmq::http {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// A listener whose queue is full and that accepts nobody: what else connects hears nothing.
class FullServer {
 public:
  FullServer() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address_;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address_), length);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address_), &length);
    ::listen(listener_, 0);
    for (int i = 0; i < 8; ++i) {
      const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      ::connect(client, reinterpret_cast<sockaddr*>(&address_), sizeof address_);
      clients_.push_back(client);
    }
  }
  ~FullServer() {
    for (const int client : clients_) ::close(client);
    ::close(listener_);
  }
  FullServer(const FullServer&) = delete;
  FullServer& operator=(const FullServer&) = delete;

  std::string url() const {
    return "http://127.0.0.1:" + std::to_string(ntohs(address_.sin_port)) + "/v1";
  }

 private:
  int listener_;
  sockaddr_in address_{};
  std::vector<int> clients_;
};

TEST_F(HttpClient, EndsAtTheTimeoutOfTheConnectionAlthoughTheCallMayLast) {
  const FullServer server;
  Call call = call_to(server.url());
  call.transport.connect_timeout = core::milliseconds(300);
  call.timeout = core::seconds(600);
  call.looks_closely = true;
  const uint64_t begin = uv_hrtime();
  const Watched watched = run(std::move(call));
  EXPECT_GE(uv_hrtime() - begin, 300'000'000U);
  EXPECT_EQ(watched.result.status, core::Status::kTimeout);
  EXPECT_FALSE(watched.result.sent);
  EXPECT_EQ(watched.result.findings->failed_at, Stage::kConnect);
}

TEST_F(HttpClient, ShowsTheKeyToNoProxyOnTheWayToTls) {
  std::promise<std::string> asked;
  ScriptedServer proxy([&asked](Connection& connection) {
    asked.set_value(connection.read_request().value_or(""));
    connection.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
  });
  Call call = call_to("https://far.invalid/v1");
  call.transport.proxy = "http://user:word@" + proxy.authority();
  call.looks_closely = true;
  const Watched watched = run(std::move(call));
  const std::string request = asked.get_future().get();
  EXPECT_THAT(request, HasSubstr("CONNECT far.invalid:443 HTTP/1.1\r\n"));
  EXPECT_THAT(request, HasSubstr("Proxy-Authorization: Basic "));
  EXPECT_THAT(request, Not(HasSubstr("\r\nAuthorization:")));
  EXPECT_THAT(request, Not(HasSubstr("secret")));
  EXPECT_EQ(watched.result.status, core::Status::kTransport);
  EXPECT_FALSE(watched.result.sent);
  EXPECT_EQ(watched.result.findings->failed_at, Stage::kProxy);
}

TEST_F(HttpClient, FollowsNoRedirectWithTheKeyToAnotherHost) {
  ScriptedServer other([](Connection& connection) { connection.write(answer("{}")); });
  ScriptedServer server([&other](Connection& connection) {
    connection.read_request();
    connection.write(answer("", "307 Temporary Redirect\r\nLocation: " + other.url()));
  });
  const Watched watched = run(call_to(server.url()));
  EXPECT_EQ(watched.result.response.http_status, 307);
  EXPECT_EQ(other.connections(), 0);
}

TEST_F(HttpClient, RefusesWhatIsNoGzipAlthoughItSaysSo) {
  ScriptedServer server([](Connection& connection) {
    connection.read_request();
    connection.write(answer("this is not gzip", "200 OK\r\nContent-Encoding: gzip"));
    connection.wait_for_end();
  });
  const Watched watched = run(call_to(server.url()));
  EXPECT_EQ(watched.result.status, core::Status::kTransport);
  EXPECT_THAT(watched.result.message, HasSubstr("did not answer in HTTP as it should"));
}

class ProxyOfEnvironment : public ::testing::Test {
 protected:
  ProxyOfEnvironment() { clear(); }
  ~ProxyOfEnvironment() override { clear(); }
  static void clear() {
    for (const char* name : {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
                             "no_proxy", "NO_PROXY"}) {
      ::unsetenv(name);
    }
  }
};

TEST_F(ProxyOfEnvironment, IsReadAsLibcurlReadsIt) {
  EXPECT_EQ(proxy_of("https://a.example/v1", ""), "");
  EXPECT_EQ(proxy_of("https://a.example/v1", "http://u:p@proxy:8080/"), "proxy:8080");
  ::setenv("ALL_PROXY", "socks5://all:1", 1);
  EXPECT_EQ(proxy_of("http://a.example/v1", ""), "all:1");
  ::setenv("HTTPS_PROXY", "secure:2", 1);
  EXPECT_EQ(proxy_of("https://a.example/v1", ""), "secure:2");
  EXPECT_EQ(proxy_of("http://a.example/v1", ""), "all:1");
  EXPECT_EQ(proxy_of("https://a.example/v1", "none"), "");
  EXPECT_EQ(proxy_of("http://127.0.0.1:8000/v1", ""), "");
  ::setenv("no_proxy", "b.example, .A.example", 1);
  EXPECT_EQ(proxy_of("https://a.example/v1", ""), "");
  EXPECT_EQ(proxy_of("https://x.b.example/v1", ""), "");
  EXPECT_EQ(proxy_of("https://notb.example/v1", ""), "secure:2");
  ::setenv("no_proxy", "*", 1);
  EXPECT_EQ(proxy_of("https://c.example/v1", ""), "");
}

}  // namespace
}  // namespace llmq::http
