// A table of messages by which attackers make two servers disagree, and of their honest neighbours that must pass.
//
// Each row is fed whole, split at every position and byte by byte; the outcome is a fault or the framing of the body.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "proto/http1/framing.h"
#include "proto/http1/head_parser.h"
#include "tests/unit/proto/http1/feeding.h"

namespace sluice::http1 {

namespace {
using http::Fault;
using http::Method;
using http::Parsed;
using namespace std::string_literals;

struct Row {
  std::string bytes;
  Parsed<Framing> outcome;
};

std::string words(const Parsed<Framing>& outcome) {
  if (!outcome) return std::string(http::facts(outcome.error()).name);
  switch (outcome->kind) {
    case Framing::Kind::kNone:
      return "no body";
    case Framing::Kind::kLength:
      return "length " + std::to_string(outcome->length);
    case Framing::Kind::kChunked:
      return "chunked";
    case Framing::Kind::kUntilClose:
      return "until close";
  }
  return "?";
}

// A request line and Host around the fields in question.
std::string post(std::string_view fields) {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n";
}
std::string line(std::string_view start) {
  return std::string(start) + "\r\nHost: a\r\n\r\n";
}
std::unexpected<Fault> no(Fault why) {
  return http::fault(why);
}

std::vector<Row> request_rows() {
  return {
      // no body, or one with a plain length
      {post(""), Framing::none()},
      {post("Content-Length: 0\r\n"), Framing::of_length(0)},
      {post("Content-Length: 5\r\n"), Framing::of_length(5)},
      {post("content-length:5\r\n"), Framing::of_length(5)},
      {post("Content-Length: \t5 \r\n"), Framing::of_length(5)},
      {post("Content-Length: 0005\r\n"), Framing::of_length(5)},
      {post("Content-Length: 922337203685477579\r\n"), Framing::of_length(922337203685477579)},
      {post("Transfer-Encoding: chunked\r\n"), Framing::chunked()},
      {post("Transfer-Encoding: Chunked\r\n"), Framing::chunked()},
      {post("transfer-encoding:\tchunked \r\n"), Framing::chunked()},
      // Content-Length that is not one plain number
      {post("Content-Length:\r\n"), no(Fault::kBadContentLength)},
      {post("Content-Length: +5\r\n"), no(Fault::kBadContentLength)},
      {post("Content-Length: -5\r\n"), no(Fault::kBadContentLength)},
      {post("Content-Length: -0\r\n"), no(Fault::kBadContentLength)},
      {post("Content-Length: 5 5\r\n"), no(Fault::kBadContentLength)},
      {post("Content-Length: 5\t\t6\r\n"), no(Fault::kBadContentLength)},
      {post("Content-Length: 0x5\r\n"), no(Fault::kBadContentLength)},
      {post("Content-Length: 5e1\r\n"), no(Fault::kBadContentLength)},
      {post("Content-Length: 5.0\r\n"), no(Fault::kBadContentLength)},
      {post("Content-Length: five\r\n"), no(Fault::kBadContentLength)},
      {post("Content-Length: \"5\"\r\n"), no(Fault::kBadContentLength)},
      {post("Content-Length: 5;a=b\r\n"), no(Fault::kBadContentLength)},
      {post("Content-Length: 5_0\r\n"), no(Fault::kBadContentLength)},
      {post("Content-Length: \xd9\xa5\r\n"), no(Fault::kBadContentLength)},  // an Arabic-Indic five
      {post("Content-Length: 9223372036854775808\r\n"), no(Fault::kBadContentLength)},
      {post("Content-Length: 18446744073709551616\r\n"), no(Fault::kBadContentLength)},
      {post("Content-Length: 18446744073709551621\r\n"), no(Fault::kBadContentLength)},
      {post("Content-Length: 99999999999999999999999999\r\n"), no(Fault::kBadContentLength)},
      // Content-Length twice, even when both agree
      {post("Content-Length: 5\r\nContent-Length: 6\r\n"), no(Fault::kRepeatedContentLength)},
      {post("Content-Length: 5\r\nContent-Length: 5\r\n"), no(Fault::kRepeatedContentLength)},
      {post("Content-Length: 5\r\nX: y\r\ncontent-length: 5\r\n"), no(Fault::kRepeatedContentLength)},
      {post("Content-Length: 0\r\nContent-Length: 0\r\n"), no(Fault::kRepeatedContentLength)},
      {post("Content-Length: 5, 5\r\n"), no(Fault::kRepeatedContentLength)},
      {post("Content-Length: 5,6\r\n"), no(Fault::kRepeatedContentLength)},
      {post("Content-Length: 5,\r\n"), no(Fault::kRepeatedContentLength)},
      {post("Content-Length: ,5\r\n"), no(Fault::kRepeatedContentLength)},
      {post("Content-Length: 5\r\nContent-Length:\r\n"), no(Fault::kRepeatedContentLength)},
      // Content-Length beside Transfer-Encoding, in any order and however broken either is
      {post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), no(Fault::kLengthAndCoding)},
      {post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), no(Fault::kLengthAndCoding)},
      {post("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"), no(Fault::kLengthAndCoding)},
      {post("Transfer-Encoding: identity\r\nContent-Length: 5\r\n"), no(Fault::kLengthAndCoding)},
      {post("Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n"), no(Fault::kLengthAndCoding)},
      {post("Transfer-Encoding:\r\nContent-Length: 5\r\n"), no(Fault::kLengthAndCoding)},
      {post("Transfer-Encoding: chunked\r\nContent-Length: x\r\n"), no(Fault::kLengthAndCoding)},
      // Transfer-Encoding other than one "chunked"
      {post("Transfer-Encoding:\r\n"), no(Fault::kCodingNotChunked)},
      {post("Transfer-Encoding: ,\r\n"), no(Fault::kCodingNotChunked)},
      {post("Transfer-Encoding: gzip\r\n"), no(Fault::kUnknownCoding)},
      {post("Transfer-Encoding: identity\r\n"), no(Fault::kUnknownCoding)},
      {post("Transfer-Encoding: xchunked\r\n"), no(Fault::kUnknownCoding)},
      {post("Transfer-Encoding: chunkedx\r\n"), no(Fault::kUnknownCoding)},
      {post("Transfer-Encoding: gzip, chunked\r\n"), no(Fault::kUnknownCoding)},
      {post("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"), no(Fault::kUnknownCoding)},
      {post("Transfer-Encoding: gzip;q=1, chunked\r\n"), no(Fault::kUnknownCoding)},
      {post("Transfer-Encoding: chunked, gzip\r\n"), no(Fault::kCodingNotChunked)},
      {post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"), no(Fault::kCodingNotChunked)},
      {post("Transfer-Encoding: chunked, identity\r\n"), no(Fault::kCodingNotChunked)},
      {post("Transfer-Encoding: chunked, chunked\r\n"), no(Fault::kCodingNotChunked)},
      {post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), no(Fault::kCodingNotChunked)},
      {post("Transfer-Encoding: chunked,\r\n"), no(Fault::kCodingNotChunked)},
      {post("Transfer-Encoding: ,chunked\r\n"), no(Fault::kCodingNotChunked)},
      {post("Transfer-Encoding: \"chunked\"\r\n"), no(Fault::kCodingNotChunked)},
      {post("Transfer-Encoding: 'chunked'\r\n"), no(Fault::kUnknownCoding)},
      {post("Transfer-Encoding: chunked;a=b\r\n"), no(Fault::kUnknownCoding)},
      {post("Transfer-Encoding: chunk\xc3\xa9"s + "d\r\n"), no(Fault::kCodingNotChunked)},
      {post("Transfer-Encoding: \x0b"s + "chunked\r\n"), no(Fault::kControlByte)},
      {post("Transfer-Encoding: chunked\0\r\n"s), no(Fault::kControlByte)},
      {"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", no(Fault::kCodingInHttp10)},
      {"POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 5\r\n\r\n", Framing::of_length(5)},
      // field names that another server might read as a framing field
      {post("Content-Length : 5\r\n"), no(Fault::kSpaceBeforeColon)},
      {post("Transfer-Encoding\t: chunked\r\n"), no(Fault::kSpaceBeforeColon)},
      {post("Transfer Encoding: chunked\r\n"), no(Fault::kSpaceBeforeColon)},
      {post(" Transfer-Encoding: chunked\r\n"), no(Fault::kObsFold)},
      {post("X: y\r\n Transfer-Encoding: chunked\r\n"), no(Fault::kObsFold)},
      {post("X: y\r\n\tz\r\n"), no(Fault::kObsFold)},
      {post("Transfer-Encoding:\r\n chunked\r\n"), no(Fault::kObsFold)},
      {"POST / HTTP/1.1\r\n Host: a\r\n\r\n", no(Fault::kObsFold)},
      {post(": x\r\n"), no(Fault::kBadFieldName)},
      {post("no colon\r\n"), no(Fault::kSpaceBeforeColon)},
      {post("nocolon\r\n"), no(Fault::kBadFieldName)},
      {post("Transfer-Encoding\xa0: chunked\r\n"), no(Fault::kBadFieldName)},
      {post("Transfer-Encoding\0: chunked\r\n"s), no(Fault::kControlByte)},
      {post("Content(Length: 5\r\n"), no(Fault::kBadFieldName)},
      {post("\"Content-Length\": 5\r\n"), no(Fault::kBadFieldName)},
      {post("Content-Length=5\r\n"), no(Fault::kBadFieldName)},
      {post("X_Content_Length: 5\r\n"), Framing::none()},  // a token, and not the field that it resembles
      // line ends
      {"POST / HTTP/1.1\nHost: a\r\n\r\n", no(Fault::kBareLf)},
      {post("X: y\nContent-Length: 5\r\n"), no(Fault::kBareLf)},
      {post("X: y\n\r\n"), no(Fault::kBareLf)},
      {"POST / HTTP/1.1\r\nHost: a\r\n\n", no(Fault::kBareLf)},
      {"POST / HTTP/1.1\r\nHost: a\n\n", no(Fault::kBareLf)},
      {"\nPOST / HTTP/1.1\r\nHost: a\r\n\r\n", no(Fault::kBareLf)},
      {"\r\n\nPOST / HTTP/1.1\r\nHost: a\r\n\r\n", no(Fault::kBareLf)},
      {post("X: y\rContent-Length: 5\r\n"), no(Fault::kBareCr)},
      {post("X: y\r\r\n"), no(Fault::kBareCr)},
      {post("\rX: y\r\n"), no(Fault::kBareCr)},
      {"\rPOST / HTTP/1.1\r\nHost: a\r\n\r\n", no(Fault::kBareCr)},
      {"POST /\r HTTP/1.1\r\nHost: a\r\n\r\n", no(Fault::kBareCr)},
      {"POST / HTTP/1.1\r\r\nHost: a\r\n\r\n", no(Fault::kBareCr)},
      {post("X: a\0b\r\n"s), no(Fault::kControlByte)},
      {post("X: a\x01"s + "b\r\n"), no(Fault::kControlByte)},
      {post("X: a\x0c"s + "b\r\n"), no(Fault::kControlByte)},
      {post("X: a\x1f\r\n"), no(Fault::kControlByte)},
      {post("X: a\x7f\r\n"), no(Fault::kControlByte)},
      {post("X: a\tb \xff\r\n"), Framing::none()},
      {"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Framing::none()},
      {"\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", no(Fault::kTooManyEmptyLines)},
      // the request line
      {line("GET / HTTP/1.1"), Framing::none()},
      {line("BREW /pot HTTP/1.1"), Framing::none()},
      {line("SOURCE / HTTP/1.1"), Framing::none()},
      {line("get / HTTP/1.1"), Framing::none()},
      {line("GET  / HTTP/1.1"), no(Fault::kBadTarget)},
      {line("GET /  HTTP/1.1"), no(Fault::kBadTarget)},
      {line("GET / HTTP/1.1 "), no(Fault::kBadStartLine)},
      {line(" GET / HTTP/1.1"), no(Fault::kBadStartLine)},
      {line("GET\t/ HTTP/1.1"), no(Fault::kBadStartLine)},
      {line("GET /\tHTTP/1.1"), no(Fault::kBadStartLine)},
      {line("GET / x HTTP/1.1"), no(Fault::kBadTarget)},
      {line("GET /"), no(Fault::kBadStartLine)},
      {line("GET"), no(Fault::kBadStartLine)},
      {line("G(T / HTTP/1.1"), no(Fault::kBadMethod)},
      {line("GET: / HTTP/1.1"), no(Fault::kBadMethod)},
      {line("GET /\x80 HTTP/1.1"), no(Fault::kBadTarget)},
      {line("GET /a#b HTTP/1.1"), no(Fault::kBadTarget)},
      {line("GET /\x01 HTTP/1.1"), no(Fault::kControlByte)},
      {line("GET a/b HTTP/1.1"), no(Fault::kBadTarget)},
      {line("GET ?q HTTP/1.1"), no(Fault::kBadTarget)},
      {line("GET * HTTP/1.1"), no(Fault::kBadTarget)},
      {line("OPTIONS * HTTP/1.1"), Framing::none()},
      {line("GET / HTTP/1.2"), no(Fault::kBadVersion)},
      {line("GET / HTTP/2.0"), no(Fault::kBadVersion)},
      {line("GET / HTTP/0.9"), no(Fault::kBadVersion)},
      {line("GET / HTTP/3"), no(Fault::kBadVersion)},
      {line("GET / HTTP/1.10"), no(Fault::kBadStartLine)},
      {line("GET / HTTP/01.1"), no(Fault::kBadStartLine)},
      {line("GET / HTTP/1,1"), no(Fault::kBadStartLine)},
      {line("GET / http/1.1"), no(Fault::kBadStartLine)},
      {line("GET / HTTPS/1.1"), no(Fault::kBadStartLine)},
      {line("GET / ICE/1.0"), no(Fault::kBadStartLine)},
      {line("GET / RTSP/1.0"), no(Fault::kBadStartLine)},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", no(Fault::kBadVersion)},
      // Host and target
      {"GET / HTTP/1.1\r\n\r\n", no(Fault::kNoHost)},
      {"GET / HTTP/1.0\r\n\r\n", Framing::none()},
      {"GET http://a/ HTTP/1.1\r\n\r\n", no(Fault::kNoHost)},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", no(Fault::kRepeatedHost)},
      {"GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", no(Fault::kRepeatedHost)},
      {"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", no(Fault::kRepeatedHost)},
      {"GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", no(Fault::kRepeatedHost)},
      {"GET / HTTP/1.1\r\nHost:\r\n\r\n", no(Fault::kBadHost)},
      {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", no(Fault::kBadHost)},
      {"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", no(Fault::kBadHost)},
      {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", no(Fault::kBadHost)},
      {"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", no(Fault::kBadHost)},
      {"GET / HTTP/1.1\r\nHost: a%2eb\r\n\r\n", no(Fault::kBadHost)},
      {"GET / HTTP/1.1\r\nHost: a:x\r\n\r\n", no(Fault::kBadHost)},
      {"GET / HTTP/1.1\r\nHost: a:\r\n\r\n", no(Fault::kBadHost)},
      {"GET / HTTP/1.1\r\nHost: a:0\r\n\r\n", no(Fault::kBadHost)},
      {"GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", no(Fault::kBadHost)},
      {"GET / HTTP/1.1\r\nHost: a:80:80\r\n\r\n", no(Fault::kBadHost)},
      {"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", no(Fault::kBadHost)},
      {"GET / HTTP/1.1\r\nHost: ::1\r\n\r\n", no(Fault::kBadHost)},
      {"GET / HTTP/1.1\r\nHost: [::1]:443\r\n\r\n", Framing::none()},
      {"GET / HTTP/1.1\r\nHost: http://a\r\n\r\n", no(Fault::kBadHost)},
      {"GET / HTTP/1.1\r\nHost: \xc3\xa9\r\n\r\n", no(Fault::kBadHost)},
      {"GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", Framing::none()},
      {"GET http://a/ HTTP/1.1\r\nHost: b c\r\n\r\n", no(Fault::kBadHost)},
      {line("GET http://u@a/ HTTP/1.1"), no(Fault::kUserInfo)},
      {line("GET http://u:p@a/ HTTP/1.1"), no(Fault::kUserInfo)},
      {line("GET http:///x HTTP/1.1"), no(Fault::kBadAuthority)},
      {line("GET http://a:99999/ HTTP/1.1"), no(Fault::kBadAuthority)},
      {line("GET http://a\\b/ HTTP/1.1"), no(Fault::kBadAuthority)},
      {line("GET ftp://a/ HTTP/1.1"), no(Fault::kUnknownScheme)},
      {line("GET file:///etc/passwd HTTP/1.1"), no(Fault::kUnknownScheme)},
      {line("GET http:/a HTTP/1.1"), no(Fault::kBadTarget)},
      {line("CONNECT a:443 HTTP/1.1"), Framing::none()},
      {line("CONNECT a HTTP/1.1"), no(Fault::kNoConnectPort)},
      {line("CONNECT /x HTTP/1.1"), no(Fault::kBadAuthority)},
      {line("CONNECT http://a:80/ HTTP/1.1"), no(Fault::kBadAuthority)},
      {line("CONNECT u@a:80 HTTP/1.1"), no(Fault::kUserInfo)},
      {"CONNECT a:443 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", Framing::none()},
      {"CONNECT a:443 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", no(Fault::kConnectWithBody)},
      {"CONNECT a:443 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", no(Fault::kConnectWithBody)},
  };
}

struct ResponseRow {
  std::string bytes;
  Method asked;
  Parsed<Framing> outcome;
};

std::string ok(std::string_view fields) {
  return "HTTP/1.1 200 OK\r\n" + std::string(fields) + "\r\n";
}
std::string with_status(std::string_view status, std::string_view fields) {
  return "HTTP/1.1 " + std::string(status) + " x\r\n" + std::string(fields) + "\r\n";
}

std::vector<ResponseRow> response_rows() {
  constexpr std::string_view kBoth = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n";
  return {
      {ok(""), Method::kGet, Framing::until_close()},
      {ok("Content-Length: 5\r\n"), Method::kGet, Framing::of_length(5)},
      {ok("Transfer-Encoding: chunked\r\n"), Method::kGet, Framing::chunked()},
      {"HTTP/1.0 200 OK\r\n\r\n", Method::kGet, Framing::until_close()},
      {"HTTP/1.1 200\r\nContent-Length: 1\r\n\r\n", Method::kGet, Framing::of_length(1)},
      {"HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\n", Method::kGet, Framing::of_length(1)},
      {"HTTP/1.1 200 Sch\xc3\xb6n ist das\r\nContent-Length: 1\r\n\r\n", Method::kGet, Framing::of_length(1)},
      // no body by nature, whatever the fields say
      {ok("Content-Length: 5\r\n"), Method::kHead, Framing::none()},
      {ok("Transfer-Encoding: chunked\r\n"), Method::kHead, Framing::none()},
      {ok(kBoth), Method::kHead, Framing::none()},
      {ok(kBoth), Method::kConnect, Framing::none()},
      {with_status("299", "Content-Length: 5\r\n"), Method::kConnect, Framing::none()},
      {with_status("407", "Content-Length: 5\r\n"), Method::kConnect, Framing::of_length(5)},
      {with_status("100", kBoth), Method::kGet, Framing::none()},
      {with_status("101", "Content-Length: 5\r\n"), Method::kGet, Framing::none()},
      {with_status("103", ""), Method::kGet, Framing::none()},
      {with_status("199", "Transfer-Encoding: gzip\r\n"), Method::kGet, Framing::none()},
      {with_status("204", kBoth), Method::kGet, Framing::none()},
      {with_status("304", "Content-Length: 5\r\n"), Method::kGet, Framing::none()},
      {with_status("205", ""), Method::kGet, Framing::until_close()},
      // what is wrong in a request is wrong in a response
      {ok(kBoth), Method::kGet, no(Fault::kLengthAndCoding)},
      {ok("Content-Length: 5\r\nContent-Length: 5\r\n"), Method::kGet, no(Fault::kRepeatedContentLength)},
      {ok("Content-Length: 5, 5\r\n"), Method::kGet, no(Fault::kBadContentLength)},
      {ok("Content-Length: +5\r\n"), Method::kGet, no(Fault::kBadContentLength)},
      {ok("Content-Length: 99999999999999999999\r\n"), Method::kGet, no(Fault::kBadContentLength)},
      {ok("Transfer-Encoding: gzip, chunked\r\n"), Method::kGet, no(Fault::kUnknownCoding)},
      {ok("Transfer-Encoding: chunked, gzip\r\n"), Method::kGet, no(Fault::kCodingNotChunked)},
      {ok("Transfer-Encoding: identity\r\n"), Method::kGet, no(Fault::kUnknownCoding)},
      {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Method::kGet, no(Fault::kCodingInHttp10)},
      {ok("Content-Length : 5\r\n"), Method::kGet, no(Fault::kSpaceBeforeColon)},
      {ok("X: y\r\n z\r\n"), Method::kGet, no(Fault::kObsFold)},
      {ok("X: a\rb\r\n"), Method::kGet, no(Fault::kBareCr)},
      {ok("X: a\nb\r\n"), Method::kGet, no(Fault::kBareLf)},
      {ok("X: a\0\r\n"s), Method::kGet, no(Fault::kControlByte)},
      // the status line
      {"\r\nHTTP/1.1 200 OK\r\n\r\n", Method::kGet, no(Fault::kBadStartLine)},
      {"HTTP/1.1\r\n\r\n", Method::kGet, no(Fault::kBadStartLine)},
      {"HTTP/1.1  200 OK\r\n\r\n", Method::kGet, no(Fault::kBadStatus)},
      {"HTTP/1.1 20 OK\r\n\r\n", Method::kGet, no(Fault::kBadStatus)},
      {"HTTP/1.1 2000 OK\r\n\r\n", Method::kGet, no(Fault::kBadStatus)},
      {"HTTP/1.1 099 OK\r\n\r\n", Method::kGet, no(Fault::kBadStatus)},
      {"HTTP/1.1 600 OK\r\n\r\n", Method::kGet, no(Fault::kBadStatus)},
      {"HTTP/1.1 2x0 OK\r\n\r\n", Method::kGet, no(Fault::kBadStatus)},
      {"HTTP/1.1 200OK\r\n\r\n", Method::kGet, no(Fault::kBadStatus)},
      {"HTTP/2.0 200 OK\r\n\r\n", Method::kGet, no(Fault::kBadVersion)},
      {"ICY 200 OK\r\n\r\n", Method::kGet, no(Fault::kBadStartLine)},
      {" HTTP/1.1 200 OK\r\n\r\n", Method::kGet, no(Fault::kBadStartLine)},
  };
}

TEST(Http1Smuggling, RequestsAreFramedOneWayOrRefused) {
  const std::vector<Row> rows = request_rows();
  EXPECT_GE(rows.size(), 100U);
  for (const Row& row : rows) {
    const FedRequest fed = parse_request(row.bytes);
    Parsed<Framing> outcome = http::fault(Fault::kBodyCutShort);  // stands for "never complete"
    if (!fed.outcome) outcome = http::fault(fed.outcome.error());
    if (fed.outcome && *fed.outcome != 0) outcome = request_framing(*fed.head);
    EXPECT_EQ(words(outcome), words(row.outcome)) << row.bytes;
    if (row.outcome) EXPECT_EQ(fed.outcome, row.bytes.size()) << row.bytes;
  }
}

TEST(Http1Smuggling, ResponsesAreFramedOneWayOrRefused) {
  for (const ResponseRow& row : response_rows()) {
    const FedResponse fed = parse_response(row.bytes);
    Parsed<Framing> outcome = http::fault(Fault::kBodyCutShort);
    if (!fed.outcome) outcome = http::fault(fed.outcome.error());
    if (fed.outcome && *fed.outcome != 0) outcome = response_framing(*fed.head, row.asked);
    EXPECT_EQ(words(outcome), words(row.outcome)) << row.bytes;
  }
}

TEST(Http1Smuggling, EveryRefusalHasAStatusForTheClient) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(Fault::kBadUpgrade); ++i) {
    const http::FaultFacts& row = http::facts(static_cast<Fault>(i));
    EXPECT_GE(row.status, 400);
    EXPECT_LE(row.status, 599);
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_EQ(http::as_error(row.fault, Side::kClient).side(), Side::kClient);
  }
}

}  // namespace
}  // namespace sluice::http1
