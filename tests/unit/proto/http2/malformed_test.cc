// Malformed requests, RFC 9113 section 8.1.1: each resets its stream, nobody is asked with it, and the connection goes
// on.
#include "tests/unit/proto/http2/frames.h"

namespace sluice::http2::test {
namespace {

struct Case {
  const char* name;
  std::string bytes;  // on stream 1
};
std::ostream& operator<<(std::ostream& out, const Case& one) {
  return out << one.name;
}

std::string body(const Lines& lines, std::string_view bytes) {
  return headers(1, lines, kEndHeaders) + data(1, bytes, kEndStream);
}

const std::vector<Case>& cases() {
  static const std::vector<Case> kCases = {
      {"a name in upper case", headers(1, with(get(), {{"X-Up", "1"}}))},
      {"an empty name", headers(1, with(get(), {{"", "1"}}))},
      {"a name with a space", headers(1, with(get(), {{"x y", "1"}}))},
      {"a name with a colon", headers(1, with(get(), {{"x:y", "1"}}))},
      {"a name with a control byte", headers(1, with(get(), {{"x\x01y", "1"}}))},
      {"a name beyond ASCII", headers(1, with(get(), {{"x\xc3\xa4", "1"}}))},
      {"CR in a value", headers(1, with(get(), {{"x", "a\rb"}}))},
      {"LF in a value", headers(1, with(get(), {{"x", "a\nb"}}))},
      {"a line smuggled into a value", headers(1, with(get(), {{"x", "a\r\nhost: b"}}))},
      {"NUL in a value", headers(1, with(get(), {{"x", std::string("a\0b", 3)}}))},
      {"a space before a value", headers(1, with(get(), {{"x", " a"}}))},
      {"a tab behind a value", headers(1, with(get(), {{"x", "a\t"}}))},
      {"no :method", headers(1, without(get(), ":method"))},
      {"no :scheme", headers(1, without(get(), ":scheme"))},
      {"no :path", headers(1, without(get(), ":path"))},
      {"neither :authority nor Host", headers(1, without(get(), ":authority"))},
      {"an empty :path", headers(1, with(without(get(), ":path"), {{":path", ""}}))},
      {"an empty :method", headers(1, with(without(get(), ":method"), {{":method", ""}}))},
      {"two :method", headers(1, with(get(), {{":method", "GET"}}))},
      {"two :path", headers(1, with(get(), {{":path", "/b"}}))},
      {"two :authority", headers(1, with(get(), {{":authority", "a.example"}}))},
      {"two :scheme", headers(1, with(get(), {{":scheme", "http"}}))},
      {"a pseudo-field behind a field",
       headers(1, with(with(without(get(), ":path"), {{"x", "1"}}), {{":path", "/"}}))},
      {"a pseudo-field of responses", headers(1, with(get(), {{":status", "200"}}))},
      {"a pseudo-field that nobody knows", headers(1, with(get(), {{":colour", "red"}}))},
      {":protocol in a GET", headers(1, with(get(), {{":protocol", "websocket"}}))},
      {"two :protocol", headers(1, {{":method", "CONNECT"},
                                    {":protocol", "websocket"},
                                    {":protocol", "websocket"},
                                    {":scheme", "http"},
                                    {":path", "/"},
                                    {":authority", "a"}})},
      {"extended CONNECT without :path",
       headers(1, {{":method", "CONNECT"}, {":protocol", "websocket"}, {":scheme", "http"}, {":authority", "a"}})},
      {"a method with a space", headers(1, with(without(get(), ":method"), {{":method", "GE T"}}))},
      {"a path with a space", headers(1, get("/a b"))},
      {"a path with a line end", headers(1, get("/a\r\nx: y"))},
      {"a path without a slash", headers(1, get("a"))},
      {"an asterisk for GET", headers(1, get("*"))},
      {"an authority with a slash", headers(1, with(without(get(), ":authority"), {{":authority", "a/b"}}))},
      {"Connection", headers(1, with(get(), {{"connection", "keep-alive"}}))},
      {"Keep-Alive", headers(1, with(get(), {{"keep-alive", "5"}}))},
      {"Proxy-Connection", headers(1, with(get(), {{"proxy-connection", "close"}}))},
      {"Transfer-Encoding", body(with(post(), {{"transfer-encoding", "chunked"}}), "x")},
      {"Upgrade", headers(1, with(get(), {{"upgrade", "h2c"}}))},
      {"TE that is not trailers", headers(1, with(get(), {{"te", "gzip"}}))},
      {"a Host that differs from :authority", headers(1, with(get(), {{"host", "b.example"}}))},
      {"two Host", headers(1, with(get(), {{"host", "a.example"}, {"host", "a.example"}}))},
      {"a length and no body", headers(1, with(get(), {{"content-length", "5"}}))},
      {"a length that is too long", body(with(post(), {{"content-length", "5"}}), "1234")},
      {"a length that is too short", body(with(post(), {{"content-length", "3"}}), "1234")},
      {"a length that is exceeded before the end",
       headers(1, with(post(), {{"content-length", "3"}}), kEndHeaders) + data(1, "1234")},
      {"two lengths", body(with(post(), {{"content-length", "1"}, {"content-length", "1"}}), "1")},
      {"a length with a sign", body(with(post(), {{"content-length", "+1"}}), "1")},
      {"a length that is a list", body(with(post(), {{"content-length", "1, 1"}}), "1")},
      {"an empty length", body(with(post(), {{"content-length", ""}}), "")},
      {"a length beyond 63 bits", body(with(post(), {{"content-length", "99999999999999999999"}}), "1")},
      {"CONNECT with :path", headers(1, {{":method", "CONNECT"}, {":path", "/"}, {":authority", "a:1"}}, kEndHeaders)},
      {"CONNECT with :scheme",
       headers(1, {{":method", "CONNECT"}, {":scheme", "http"}, {":authority", "a:1"}}, kEndHeaders)},
      {"CONNECT without :authority", headers(1, {{":method", "CONNECT"}}, kEndHeaders)},
      {"a pseudo-field in the trailers", headers(1, post(), kEndHeaders) + headers(1, {{":path", "/b"}})},
      {"trailers that do not end the stream", headers(1, post(), kEndHeaders) + headers(1, {{"x", "1"}}, kEndHeaders)},
      {"a trailer with a line end", headers(1, post(), kEndHeaders) + headers(1, {{"x", "a\r\nb"}})},
  };
  return kCases;
}

class Malformed : public testing::TestWithParam<Case> {};

// Nobody may act on it as if it were whole: a request that had been announced is taken back.
TEST_P(Malformed, ResetsItsStreamAndNothingElse) {
  Conversation talk;
  talk.say(hello() + GetParam().bytes);
  const std::optional<ErrorCode> code = talk.reset_of(1);
  EXPECT_EQ(code, ErrorCode::kProtocolError);
  EXPECT_EQ(talk.find(1), nullptr);
  talk.say(headers(3, get()));
  EXPECT_NE(talk.find(3), nullptr) << "the connection did not go on";
  EXPECT_EQ(talk.goaway(), std::nullopt);
}

TEST_P(Malformed, IsTheSameByteByByte) {
  Conversation talk;
  talk.dribble(hello() + GetParam().bytes);
  EXPECT_EQ(talk.reset_of(1), ErrorCode::kProtocolError);
  EXPECT_EQ(talk.find(1), nullptr);
}

INSTANTIATE_TEST_SUITE_P(, Malformed, testing::ValuesIn(cases()), [](const auto& one) {
  std::string name = one.param.name;
  std::ranges::replace_if(name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
});

}  // namespace
}  // namespace sluice::http2::test
