// A head that is not what the bytes say must be noticed, whatever is different.
#include "proto/http1/second_opinion.h"

#include <gtest/gtest.h>

#include <functional>
#include <string_view>

#include "proto/http1/head_reader.h"

namespace sluice::http1 {
namespace {

Opinion about_request(std::string_view text, const std::function<void(http::RequestHead&, std::string_view)>& tamper) {
  http::RequestHead head;
  const std::string_view bytes = head.fields().keep(text);
  EXPECT_TRUE(read_request(bytes, head));
  tamper(head, bytes);
  return second_opinion(bytes, head);
}
Opinion about_response(std::string_view text,
                       const std::function<void(http::ResponseHead&, std::string_view)>& tamper) {
  http::ResponseHead head;
  const std::string_view bytes = head.fields().keep(text);
  EXPECT_TRUE(read_response(bytes, head));
  tamper(head, bytes);
  return second_opinion(bytes, head);
}

constexpr std::string_view kRequest = "GET /path HTTP/1.1\r\nHost: a\r\nX-Empty:\r\nX-Last: value \r\n\r\n";
constexpr std::string_view kResponse = "HTTP/1.1 404 Not Found\r\nServer: x\r\n\r\n";

TEST(SecondOpinion, AgreesWithWhatWasRead) {
  EXPECT_EQ(about_request(kRequest, [](auto&, auto) {}), Opinion::kSame);
  EXPECT_EQ(about_request("QUERY / HTTP/1.0\r\n\r\n", [](auto&, auto) {}), Opinion::kSame)
      << "a method llhttp does not know";
  EXPECT_EQ(about_response(kResponse, [](auto&, auto) {}), Opinion::kSame);
  EXPECT_EQ(about_response("HTTP/1.0 200\r\n\r\n", [](auto&, auto) {}), Opinion::kSame);
}

TEST(SecondOpinion, NoticesAFieldTooMany) {
  EXPECT_EQ(about_request(kRequest, [](auto& head, auto) { EXPECT_TRUE(head.fields().add("X-More", "1")); }),
            Opinion::kDifferent);
}

TEST(SecondOpinion, NoticesAFieldTooFew) {
  for (const std::string_view name : {"Host", "X-Empty", "X-Last"})
    EXPECT_EQ(about_request(kRequest, [name](auto& head, auto) { head.fields().remove(name); }), Opinion::kDifferent)
        << name;
}

TEST(SecondOpinion, NoticesAValueThatIsNotTheSameBytes) {
  EXPECT_EQ(about_request(kRequest, [](auto& head, auto) { EXPECT_TRUE(head.fields().set("X-Last", "valu")); }),
            Opinion::kDifferent);
  EXPECT_EQ(about_request(kRequest, [](auto& head, auto) { EXPECT_TRUE(head.fields().set("X-Empty", "x")); }),
            Opinion::kDifferent);
  EXPECT_EQ(about_request(kRequest, [](auto& head, auto) { EXPECT_TRUE(head.fields().set("X-Last", "")); }),
            Opinion::kDifferent);
}

TEST(SecondOpinion, NoticesAnotherStartLine) {
  const auto start = [](std::size_t method, std::size_t target, http::Version version) {
    return [=](http::RequestHead& head, std::string_view bytes) {
      EXPECT_TRUE(head.start(bytes.substr(0, method), bytes.substr(4, target), version));
    };
  };
  EXPECT_EQ(about_request(kRequest, start(3, 5, http::Version::kHttp11)), Opinion::kSame);
  EXPECT_EQ(about_request(kRequest, start(2, 5, http::Version::kHttp11)), Opinion::kDifferent);
  EXPECT_EQ(about_request(kRequest, start(3, 4, http::Version::kHttp11)), Opinion::kDifferent);
  EXPECT_EQ(about_request(kRequest, start(3, 5, http::Version::kHttp10)), Opinion::kDifferent);
  const auto status = [](std::uint16_t code, std::size_t reason, http::Version version) {
    return [=](http::ResponseHead& head, std::string_view bytes) {
      EXPECT_TRUE(head.start(code, bytes.substr(13, reason), version));
    };
  };
  EXPECT_EQ(about_response(kResponse, status(404, 9, http::Version::kHttp11)), Opinion::kSame);
  EXPECT_EQ(about_response(kResponse, status(405, 9, http::Version::kHttp11)), Opinion::kDifferent);
  EXPECT_EQ(about_response(kResponse, status(404, 3, http::Version::kHttp11)), Opinion::kDifferent);
  EXPECT_EQ(about_response(kResponse, status(404, 9, http::Version::kHttp10)), Opinion::kDifferent);
}

TEST(SecondOpinion, LeavesFramingToUs) {
  EXPECT_EQ(about_request("GET / HTTP/1.1\r\nContent-Length: +1\r\n\r\n", [](auto&, auto) {}), Opinion::kFraming);
  EXPECT_EQ(
      about_request("GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", [](auto&, auto) {}),
      Opinion::kFraming);
}

TEST(SecondOpinion, RefusesWhatOurReaderWasNotAskedAbout) {
  // llhttp is strict by itself: without our check for control bytes it must still refuse them
  EXPECT_EQ(
      about_request("GET / HTTP/1.1\r\nX: y\r\n\r\n", [](auto&, auto bytes) { const_cast<char&>(bytes[19]) = '\x01'; }),
      Opinion::kDifferent);
  EXPECT_EQ(
      about_request("GET / HTTP/1.1\r\nX: y\r\n\r\n", [](auto&, auto bytes) { const_cast<char&>(bytes[17]) = ' '; }),
      Opinion::kDifferent);
}

}  // namespace
}  // namespace sluice::http1
