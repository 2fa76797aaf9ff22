// The client against a server that is not ours: nginx, with client certificates, HTTP/2 and gzip.
#include <cctype>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "client_fixture.h"
#include "provider/headers.h"
#include "support/certificates.h"
#include "support/nginx.h"

namespace llmq::http {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class HttpNginx : public HttpClient {
 protected:
  void SetUp() override {
    if (!test::Nginx::is_installed()) GTEST_SKIP() << "nginx is not installed";
    if (!certificates_.made()) GTEST_SKIP() << "the openssl program is not installed";
  }

  Call call_over_tls(const test::Nginx& server) const {
    Call call = call_to(server.url("https") + "/v1");
    call.transport.ca_file = certificates_.ca();
    return call;
  }

  const test::Certificates certificates_;
};

class HttpClientCertificate : public HttpNginx {
 protected:
  // Says whose certificate it was shown.
  std::string server_lines() const {
    return certificates_.nginx_lines() + "ssl_client_certificate " + certificates_.ca() +
           ";\nssl_verify_client on;\nlocation / { return 200 '$ssl_client_s_dn'; }";
  }
};

TEST_F(HttpClientCertificate, IsShownToTheServerThatAsksForIt) {
  const test::Nginx server(server_lines(), "ssl");
  ASSERT_TRUE(server.runs());
  Call call = call_over_tls(server);
  call.transport.client_cert_file = certificates_.client();
  call.transport.client_key_file = certificates_.client_key();
  const Watched watched = run(std::move(call));
  EXPECT_EQ(watched.result.response.http_status, 200) << watched.result.message;
  EXPECT_EQ(watched.result.response.body, "CN=a client");
}

TEST_F(HttpClientCertificate, OfAStrangerIsRefused) {
  const test::Nginx server(server_lines(), "ssl");
  ASSERT_TRUE(server.runs());
  Call call = call_over_tls(server);
  call.transport.client_cert_file = certificates_.stranger();
  call.transport.client_key_file = certificates_.stranger_key();
  const Watched watched = run(std::move(call));
  EXPECT_NE(watched.result.response.http_status, 200);
  EXPECT_THAT(watched.result.response.body, Not(HasSubstr("CN=")));
}

// Nor is the connection that it was shown on.
TEST_F(HttpClientCertificate, OfOneCallIsNotTheNextOnes) {
  const test::Nginx server(server_lines(), "ssl");
  ASSERT_TRUE(server.runs());
  Call with = call_over_tls(server);
  with.transport.client_cert_file = certificates_.client();
  with.transport.client_key_file = certificates_.client_key();
  ASSERT_EQ(run(std::move(with)).result.response.http_status, 200);
  const Watched without = run(call_over_tls(server));
  EXPECT_EQ(without.result.response.http_status, 400);
  EXPECT_THAT(without.result.response.body, HasSubstr("No required SSL certificate was sent"));
}

TEST_F(HttpClientCertificate, NeedsTheKeyThatBelongsToIt) {
  const test::Nginx server(server_lines(), "ssl");
  ASSERT_TRUE(server.runs());
  Call call = call_over_tls(server);
  call.transport.client_cert_file = certificates_.client();
  call.transport.client_key_file = certificates_.stranger_key();
  const Watched watched = run(std::move(call));
  EXPECT_EQ(watched.result.status, core::Status::kInvalidValue);
  EXPECT_THAT(watched.result.message,
              HasSubstr("the client certificate " + certificates_.client()));
  EXPECT_FALSE(watched.result.sent);
}

TEST_F(HttpNginx, TrustsACertificateForItsHostAlone) {
  const test::Nginx server("ssl_certificate " + certificates_.other_host() +
                               ";\nssl_certificate_key " + certificates_.other_host_key() +
                               ";\nlocation / { return 200 '{}'; }",
                           "ssl");
  ASSERT_TRUE(server.runs());
  const Watched watched = run(call_over_tls(server));
  EXPECT_EQ(watched.result.status, core::Status::kTransport);
  EXPECT_TRUE(watched.result.permanent);
  EXPECT_FALSE(watched.result.sent);
}

// nginx passes a call on when it has read all of it. Where it answers by itself it does so before,
// and libcurl 7.88 then takes the first stream of a connection for broken, once in some twenty
// runs.
std::string server_that_tells_connections() {
  return "location / { proxy_set_header X-Seen '$server_protocol $connection';\n"
         "proxy_pass https://127.0.0.1:$server_port/seen; }\n"
         "location /seen { return 200 '$http_x_seen'; }";
}

TEST_F(HttpNginx, SharesOneHttp2ConnectionAmongManyCalls) {
  const test::Nginx server(certificates_.nginx_lines() + server_that_tells_connections(),
                           "ssl http2");
  ASSERT_TRUE(server.runs());
  constexpr int kCalls = 64;
  std::vector<Watched> calls(kCalls);
  for (Watched& watched : calls) start(call_over_tls(server), &watched);
  int done = 0;
  run_until([&calls, &done] {
    done = 0;
    for (const Watched& watched : calls) done += watched.done;
    return done == kCalls;
  });
  std::set<std::string> seen;
  for (const Watched& watched : calls) {
    EXPECT_EQ(watched.result.response.http_status, 200) << watched.result.message;
    EXPECT_EQ(watched.sent, 1);
    seen.insert(watched.result.response.body);
  }
  EXPECT_EQ(seen.size(), 1U) << "more than one connection";
  EXPECT_THAT(*seen.begin(), HasSubstr("HTTP/2.0 "));
}

std::string zipping_server() {
  return "gzip on;\ngzip_types application/json;\ngzip_min_length 1;\n"
         "location / { default_type application/json; return 200 '{\"text\":\"" +
         std::string(2000, 'a') + "\"}'; }";
}

TEST_F(HttpNginx, UnzipsAnswers) {
  const test::Nginx server(zipping_server());
  ASSERT_TRUE(server.runs());
  const Watched watched = run(call_to(server.url() + "/v1"));
  ASSERT_EQ(watched.result.status, core::Status::kOk) << watched.result.message;
  EXPECT_EQ(provider::header_of(watched.result.response.headers, "content-encoding"), "gzip");
  EXPECT_EQ(watched.result.response.body, "{\"text\":\"" + std::string(2000, 'a') + "\"}");
}

// A compressor would keep events back until it has enough of them.
TEST_F(HttpNginx, AsksForNoZipOfAStream) {
  const test::Nginx server(zipping_server());
  ASSERT_TRUE(server.runs());
  std::string got;
  Call call = call_to(server.url() + "/v1");
  call.on_data = [&got](const provider::WireResponse& head, std::string_view bytes) {
    EXPECT_EQ(provider::header_of(head.headers, "content-encoding"), "");
    got.append(bytes);
    return true;
  };
  EXPECT_EQ(run(std::move(call)).result.status, core::Status::kOk);
  EXPECT_EQ(got.size(), 2011U);
}

TEST_F(HttpNginx, TellsWhatWasFoundOnTheWay) {
  const test::Nginx server(certificates_.nginx_lines() + "location / { return 200 '{}'; }",
                           "ssl http2");
  ASSERT_TRUE(server.runs());
  Call call = call_over_tls(server);
  call.looks_closely = true;
  const Watched watched = run(std::move(call));
  ASSERT_NE(watched.result.findings, nullptr);
  const Findings& found = *watched.result.findings;
  EXPECT_EQ(found.failed_at, Stage::kDone);
  EXPECT_EQ(found.address, "127.0.0.1:" + std::to_string(server.port()));
  EXPECT_EQ(found.http_version, 20);
  EXPECT_THAT(found.subject, HasSubstr("127.0.0.1"));
  EXPECT_THAT(found.issuer, HasSubstr("llmq test CA"));
  EXPECT_GT(found.expires_unix_s, 0);
  EXPECT_GE(found.connected, found.resolved);
  EXPECT_GE(found.secured, found.connected);
  EXPECT_GE(found.first_byte, found.secured);
}

TEST_F(HttpNginx, ConnectsOnlyWhereThatIsAsked) {
  const test::Nginx server(certificates_.nginx_lines() + "location / { return 200 '{}'; }", "ssl");
  ASSERT_TRUE(server.runs());
  Call call = call_over_tls(server);
  call.looks_closely = call.connects_only = true;
  const Watched watched = run(std::move(call));
  EXPECT_EQ(watched.result.status, core::Status::kOk) << watched.result.message;
  EXPECT_EQ(watched.result.response.http_status, 0);
  EXPECT_GT(watched.result.findings->expires_unix_s, 0);
  // The handle is good for an ordinary call again.
  const Watched next = run(call_over_tls(server));
  EXPECT_EQ(next.result.response.http_status, 200);
  EXPECT_EQ(next.result.findings, nullptr);
}

}  // namespace
}  // namespace llmq::http
