// What hooks may change in a head; what parsers put there is in tests/unit/proto/http1.
#include "proto/http/head.h"

#include <gtest/gtest.h>

namespace sluice::http {
namespace {

class RequestHeadTest : public testing::Test {
 protected:
  RequestHeadTest() {
    EXPECT_TRUE(head_.start("GET", "/a?b", Version::kHttp11));
    EXPECT_TRUE(head_.fields().add("Host", "a.example"));
    EXPECT_TRUE(head_.settle_host());
  }
  RequestHead head_;
};

TEST_F(RequestHeadTest, SplitsPathAndQuery) {
  EXPECT_EQ(head_.path(), "/a");
  EXPECT_EQ(head_.query(), "b");
  ASSERT_TRUE(head_.set_path("/only"));
  EXPECT_EQ(head_.path(), "/only");
  EXPECT_EQ(head_.query(), "");
  ASSERT_TRUE(head_.set_path("/p?a?b"));
  EXPECT_EQ(head_.query(), "a?b");
}

TEST_F(RequestHeadTest, RefusesChangesThatCouldSplitAHead) {
  for (const std::string_view path :
       {"", "a", "*", "?q", "http://x/", "/a b", "/a\r\nX: y", "/a\n", "/a#b", "/\x80", "/a\tb"})
    EXPECT_FALSE(head_.set_path(path)) << path;
  for (const std::string_view authority : {"", "a b", "a\r\nX: y", "u@a", "a/b", "a:0"})
    EXPECT_FALSE(head_.set_authority(authority)) << authority;
  for (const std::string_view method : {"", "G T", "GET\r\n", "CONNECT"})
    EXPECT_FALSE(head_.set_method(method)) << method;
  for (const std::string_view scheme : {"", "ftp", "HTTP", "http\r\n"})
    EXPECT_FALSE(head_.set_scheme(scheme)) << scheme;
  EXPECT_EQ(head_.path_and_query(), "/a?b");
  EXPECT_EQ(head_.host(), "a.example");
  EXPECT_EQ(head_.method(), Method::kGet);
  EXPECT_EQ(head_.scheme(), "");
}

TEST_F(RequestHeadTest, ChangesAuthorityAndHostTogether) {
  ASSERT_TRUE(head_.set_authority("b.example:8080"));
  EXPECT_EQ(head_.host(), "b.example");
  EXPECT_EQ(head_.port(), 8080);
  EXPECT_EQ(head_.fields().find(FieldId::kHost), "b.example:8080");
}

TEST_F(RequestHeadTest, ChangesOfConnectKeepItAConnect) {
  head_.clear();
  ASSERT_TRUE(head_.start("CONNECT", "a:1", Version::kHttp11));
  EXPECT_FALSE(head_.set_method("GET"));
  EXPECT_FALSE(head_.set_path("/"));
  EXPECT_FALSE(head_.set_authority("b"));
  EXPECT_TRUE(head_.set_authority("b:2"));
  EXPECT_EQ(head_.port(), 2);
}

TEST_F(RequestHeadTest, ClearForgetsEverything) {
  head_.clear();
  EXPECT_EQ(head_.method_text(), "");
  EXPECT_EQ(head_.path_and_query(), "");
  EXPECT_EQ(head_.authority().text, "");
  EXPECT_TRUE(head_.fields().empty());
}

TEST(ResponseHead, TakesStatusesThatExist) {
  ResponseHead head;
  EXPECT_TRUE(head.start(100, "", Version::kHttp11));
  EXPECT_TRUE(head.start(599, "", Version::kHttp11));
  EXPECT_FALSE(head.start(99, "", Version::kHttp11));
  EXPECT_FALSE(head.start(600, "", Version::kHttp11));
  head.set_status(502);
  EXPECT_EQ(head.reason(), "Bad Gateway");
}

TEST(ResponseHeadDeathTest, AbortsOnAStatusThatDoesNotExist) {
  ResponseHead head;
  EXPECT_DEATH(head.set_status(0), "out of range");
  EXPECT_DEATH(head.set_status(600), "out of range");
}

TEST(Method, KnowsWhatMayBeRepeated) {
  for (const std::string_view text : {"GET", "HEAD", "OPTIONS", "TRACE"}) EXPECT_TRUE(is_safe(method_of(text))) << text;
  for (const std::string_view text : {"PUT", "DELETE"}) {
    EXPECT_FALSE(is_safe(method_of(text))) << text;
    EXPECT_TRUE(is_idempotent(method_of(text))) << text;
  }
  for (const std::string_view text : {"POST", "PATCH", "CONNECT", "get", "BREW", ""})
    EXPECT_FALSE(is_idempotent(method_of(text))) << text;
  EXPECT_EQ(method_of(""), Method::kOther);
  EXPECT_EQ(name(Method::kPatch), "PATCH");
}

}  // namespace
}  // namespace sluice::http
