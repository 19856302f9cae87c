// Heads that must be read, what is read from them, and limits; smuggling_test.cc has what must be refused.
#include "proto/http1/head_parser.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

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

TEST(Http1Parser, SkipsEmptyLinesBeforeARequest) {
  const std::string bytes = "\r\n\r\n" + std::string(kTypical);
  EXPECT_EQ(parse_request(bytes).outcome, bytes.size());
}

TEST(Http1Parser, KnowsWhetherARequestHasBegun) {
  RequestParser parser;
  http::RequestHead head;
  EXPECT_FALSE(parser.in_head());
  EXPECT_EQ(parser.parse("\r\n", head), 0U);
  EXPECT_FALSE(parser.in_head());
  EXPECT_EQ(parser.parse("\r\nG", head), 0U);
  EXPECT_TRUE(parser.in_head());
}

TEST(Http1Parser, TakesTheHostFromAnAbsoluteTarget) {
  const FedRequest fed =
      parse_request("GET HTTP://origin.example:81?q=1 HTTP/1.1\r\nHost: other.example\r\nX: y\r\n\r\n");
  ASSERT_TRUE(fed.outcome);
  EXPECT_EQ(fed.head->form(), http::TargetForm::kAbsolute);
  EXPECT_EQ(fed.head->scheme(), "http");
  EXPECT_EQ(fed.head->authority().text, "origin.example:81");
  EXPECT_EQ(fed.head->path_and_query(), "/?q=1");
  EXPECT_EQ(fed.head->path(), "/");
  EXPECT_EQ(fed.head->fields().find(http::FieldId::kHost), "origin.example:81");
  EXPECT_EQ(fed.head->fields().count(http::FieldId::kHost), 1U);
}

TEST(Http1Parser, GivesAnAbsoluteTargetWithoutPathTheRoot) {
  EXPECT_EQ(parse_request("GET https://a HTTP/1.1\r\nHost: a\r\n\r\n").head->path_and_query(), "/");
  EXPECT_EQ(parse_request("OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n").head->path_and_query(), "*");
  EXPECT_EQ(parse_request("OPTIONS http://a/ HTTP/1.1\r\nHost: a\r\n\r\n").head->path_and_query(), "/");
  EXPECT_EQ(parse_request("GET /%7euser/..//x?a=%00 HTTP/1.1\r\nHost: a\r\n\r\n").head->path_and_query(),
            "/%7euser/..//x?a=%00")
      << "paths are not normalised";
}

TEST(Http1Parser, ReadsTheTargetOfConnect) {
  const FedRequest fed = parse_request("CONNECT [2001:db8::1]:8443 HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(fed.outcome);
  EXPECT_EQ(fed.head->form(), http::TargetForm::kAuthority);
  EXPECT_EQ(fed.head->host(), "2001:db8::1");
  EXPECT_EQ(fed.head->authority().kind, http::HostKind::kIpv6);
  EXPECT_EQ(fed.head->port(), 8443);
  EXPECT_EQ(fed.head->path_and_query(), "");
}

TEST(Http1Parser, KeepsMethodsThatItDoesNotKnow) {
  const FedRequest fed = parse_request("VERSION-CONTROL / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n");
  ASSERT_TRUE(fed.outcome);
  EXPECT_EQ(fed.head->method(), http::Method::kOther);
  EXPECT_EQ(fed.head->method_text(), "VERSION-CONTROL");
}

TEST(Http1Parser, ReadsMoreFieldsThanFitInline) {
  std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 100; ++i) bytes += "X-Field-" + std::to_string(i) + ": " + std::string(40, 'v') + "\r\n";
  bytes += "\r\n";
  RequestParser parser;
  http::RequestHead head;
  for (int round = 0; round < 3; ++round) {  // storage is used again
    ASSERT_EQ(parser.parse(bytes, head), bytes.size());
    EXPECT_EQ(head.fields().size(), 101U);
    EXPECT_EQ(head.fields().find("x-field-99"), std::string(40, 'v'));
  }
}

TEST(Http1Parser, HoldsItsLimitsToTheByte) {
  const std::string line = "GET /" + std::string(86, 'x') + " HTTP/1.1";  // 100 bytes
  const std::string bytes = line + "\r\nHost: a\r\nB: c\r\n\r\n";
  EXPECT_EQ(parse_request(bytes, {.start_line = 100}).outcome, bytes.size());
  EXPECT_EQ(parse_request(bytes, {.start_line = 99}).outcome, http::fault(Fault::kStartLineTooLong));
  const auto size = static_cast<std::uint32_t>(bytes.size());
  EXPECT_EQ(parse_request(bytes, {.head = size}).outcome, bytes.size());
  EXPECT_EQ(parse_request(bytes, {.head = size - 1}).outcome, http::fault(Fault::kHeadTooLarge));
  EXPECT_EQ(parse_request(bytes, {.fields = 2}).outcome, bytes.size());
  EXPECT_EQ(parse_request(bytes, {.fields = 1}).outcome, http::fault(Fault::kTooManyFields));
}

TEST(Http1Parser, RefusesAnEndlessLineBeforeItEnds) {
  http::RequestHead head;
  RequestParser parser({.start_line = 100});
  EXPECT_EQ(parser.parse(std::string(101, 'x'), head), 0U) << "could still end in CRLF";
  EXPECT_EQ(parser.parse(std::string(102, 'x'), head), http::fault(Fault::kStartLineTooLong));
  RequestParser other({.head = 100});
  EXPECT_EQ(other.parse("GET / HTTP/1.1\r\n" + std::string(84, 'x'), head), http::fault(Fault::kHeadTooLarge));
}

TEST(Http1Parser, CostsNoMoreWhenFedByteByByte) {
  // a head of 32 KiB, byte by byte: looking at everything again each time would be half a billion bytes
  std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
  bytes += std::string(32768 - bytes.size() - 4, 'v') + "\r\n\r\n";
  RequestParser parser;
  http::RequestHead head;
  const auto began = std::chrono::steady_clock::now();
  for (std::size_t size = 1; size < bytes.size(); ++size) ASSERT_EQ(parser.parse({bytes.data(), size}, head), 0U);
  ASSERT_EQ(parser.parse(bytes, head), bytes.size());
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(1));
}

TEST(Http1Parser, ReadsATypicalResponse) {
  constexpr std::string_view kBytes =
      "HTTP/1.0 404 Not here \r\nDate: Mon, 23 Nov 2026 09:00:00 GMT\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\n\r\n";
  const FedResponse fed = parse_response(kBytes);
  ASSERT_EQ(fed.outcome, kBytes.size());
  EXPECT_EQ(fed.head->status(), 404);
  EXPECT_EQ(fed.head->reason(), "Not here");
  EXPECT_EQ(fed.head->version(), http::Version::kHttp10);
  EXPECT_EQ(fed.head->fields().count("Set-Cookie"), 2U);
}

TEST(Http1Parser, ReadsAnInterimResponseAndThenTheFinalOne) {
  constexpr std::string_view kInterim = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
  const std::string bytes = std::string(kInterim) + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  ResponseParser parser;
  http::ResponseHead head;
  ASSERT_EQ(parser.parse(bytes, head), kInterim.size());
  EXPECT_EQ(head.status(), 103);
  ASSERT_EQ(parser.parse(std::string_view(bytes).substr(kInterim.size()), head), bytes.size() - kInterim.size());
  EXPECT_EQ(head.status(), 200);
  EXPECT_FALSE(head.fields().has("Link"));
}

}  // namespace
}  // namespace sluice::http1
