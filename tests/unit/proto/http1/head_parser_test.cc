// Heads that must be read and what is read from them; smuggling_test.cc has those that must be refused.
#include "proto/http1/head_parser.h"

#include <gtest/gtest.h>

#include "tests/unit/proto/http1/feeding.h"

namespace sluice::http1 {
namespace {
using http::Fault;

constexpr std::string_view kTypical =
    "GET /index.html?lang=en HTTP/1.1\r\n"
    "Host: www.example.com:8080\r\n"
    "User-Agent: curl/8.5.0\r\n"
    "Accept: */*\r\n"
    "Accept-Encoding: gzip, br\r\n"
    "Cookie: a=1; b=2\r\n"
    "X-Empty:\r\n"
    "X-Padded: \t padded value\t \r\n"
    "Connection: keep-alive\r\n"
    "\r\n";

TEST(Http1Parser, ReadsATypicalRequest) {
  const FedRequest fed = parse_request(kTypical);
  ASSERT_EQ(fed.outcome, kTypical.size());
  const http::RequestHead& head = *fed.head;
  EXPECT_EQ(head.method(), http::Method::kGet);
  EXPECT_EQ(head.method_text(), "GET");
  EXPECT_EQ(head.form(), http::TargetForm::kOrigin);
  EXPECT_EQ(head.version(), http::Version::kHttp11);
  EXPECT_EQ(head.host(), "www.example.com");
  EXPECT_EQ(head.port(), 8080);
  EXPECT_EQ(head.path(), "/index.html");
  EXPECT_EQ(head.query(), "lang=en");
  EXPECT_EQ(head.fields().size(), 8U);
  EXPECT_EQ(head.fields().find("user-agent"), "curl/8.5.0");
  EXPECT_EQ(head.fields().find("x-padded"), "padded value");
  EXPECT_EQ(head.fields().find("X-EMPTY"), "");
  EXPECT_EQ(head.fields().find("X-Missing"), std::nullopt);
}

TEST(Http1Parser, LeavesWhatFollowsTheHead) {
  const std::string bytes = std::string(kTypical) + "GET /second HTTP/1.1\r\nHost: b\r\n\r\n";
  RequestParser parser;
  http::RequestHead head;
  ASSERT_EQ(parser.parse(bytes, head), kTypical.size());
  ASSERT_EQ(parser.parse(std::string_view(bytes).substr(kTypical.size()), head), bytes.size() - kTypical.size());
  EXPECT_EQ(head.path(), "/second");
  EXPECT_EQ(head.host(), "b");
  EXPECT_FALSE(parser.in_head());
}

}  // namespace
}  // namespace sluice::http1
