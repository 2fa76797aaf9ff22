#include "http/failure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "core/policy/retry.h"
#include "http/curl_library.h"

namespace llmq::http {
namespace {

using core::Status;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Failure, IsRetriedUnlessTheSettingsAreWrong) {
  for (const CURLcode code :
       {CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT, CURLE_GOT_NOTHING, CURLE_RECV_ERROR,
        CURLE_PARTIAL_FILE, CURLE_OPERATION_TIMEDOUT, CURLE_HTTP2, CURLE_SSL_CONNECT_ERROR}) {
    EXPECT_TRUE(core::is_transient(status_of(code))) << code;
  }
  EXPECT_EQ(status_of(CURLE_OK), Status::kOk);
  EXPECT_EQ(status_of(CURLE_OPERATION_TIMEDOUT), Status::kTimeout);
  EXPECT_EQ(status_of(CURLE_SSL_CACERT_BADFILE), Status::kInvalidValue);
  EXPECT_EQ(status_of(CURLE_URL_MALFORMAT), Status::kInvalidValue);
  EXPECT_EQ(status_of(CURLE_OUT_OF_MEMORY), Status::kNoMem);
}

TEST(Failure, OfTrustIsFinal) {
  EXPECT_TRUE(is_permanent(CURLE_PEER_FAILED_VERIFICATION));
  EXPECT_EQ(status_of(CURLE_PEER_FAILED_VERIFICATION), Status::kTransport);
  EXPECT_EQ(status_of(CURLE_SSL_CERTPROBLEM), Status::kInvalidValue);
  for (const CURLcode code : {CURLE_COULDNT_CONNECT, CURLE_SSL_CONNECT_ERROR, CURLE_RECV_ERROR}) {
    EXPECT_FALSE(is_permanent(code)) << code;
  }
}

TEST(Failure, NamesTheHost) {
  for (const CURLcode code :
       {CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT,
        CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CONNECT_ERROR, CURLE_OPERATION_TIMEDOUT,
        CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_SEND_ERROR, CURLE_HTTP2, CURLE_HTTP2_STREAM,
        CURLE_WEIRD_SERVER_REPLY, CURLE_READ_ERROR}) {
    const std::string text = describe(code, "host:80", {}, "detail", 0);
    EXPECT_THAT(text, HasSubstr("host:80")) << code;
    EXPECT_THAT(text, HasSubstr(": detail")) << code;
  }
}

TEST(Failure, TellsTheBestReasonThereIs) {
  ASSERT_TRUE(load_curl());
  EXPECT_EQ(describe(CURLE_COULDNT_CONNECT, "h", {}, "Couldn't connect to server", ECONNREFUSED),
            "cannot connect to h: Connection refused");
  EXPECT_EQ(describe(CURLE_GOT_NOTHING, "h", {}, "", 0),
            std::string("h closed the connection without an answer: ") +
                curl().easy_strerror(CURLE_GOT_NOTHING));
  EXPECT_EQ(describe(CURLE_SSL_CACERT_BADFILE, "h", {}, "x", 0),
            "the system's CA certificates cannot be read: x");
  EXPECT_THAT(describe(CURLE_RECV_ERROR, "h", {}, "sk-12345678", 0), Not(HasSubstr("1234")));
}

}  // namespace
}  // namespace llmq::http
