#include "proto/http2/request_reader.h"

#include "tests/unit/proto/http2/frames.h"

namespace sluice::http2::test {
namespace {

struct Read {
  http::RequestHead head;
  RequestReader reader;
  RequestReader::Finished finished;

  explicit Read(const Lines& lines, EndsHere ends = EndsHere::kYes, const HeadLimits& limits = {}) {
    for (const auto& [name, value] : lines) reader.take(name, value, limits, head);
    finished = reader.finish(head, ends);
  }
};

TEST(Http2Request, IsTheSameAsOneOfHttp1) {
  const Read read(with(get("/a?b=c"), {{"x", "y"}}));
  ASSERT_FALSE(read.finished.fault);
  EXPECT_EQ(read.head.method(), http::Method::kGet);
  EXPECT_EQ(read.head.version(), http::Version::kHttp2);
  EXPECT_EQ(read.head.path_and_query(), "/a?b=c");
  EXPECT_EQ(read.head.host(), "a.example");
  EXPECT_EQ(read.head.scheme(), "http");
  EXPECT_EQ(read.head.fields().find("host"), "a.example");
  EXPECT_EQ(read.head.fields().find("x"), "y");
  EXPECT_EQ(read.head.form(), http::TargetForm::kAbsolute);
  EXPECT_TRUE(read.finished.framing.empty());
}

TEST(Http2Request, JoinsTheCrumbsOfACookie) {
  const Read read(with(get(), {{"cookie", "a=1"}, {"x", "y"}, {"cookie", "b=2"}, {"cookie", "c=3"}}));
  EXPECT_EQ(read.head.fields().count(http::FieldId::kCookie), 1U);
  EXPECT_EQ(read.head.fields().find(http::FieldId::kCookie), "a=1; b=2; c=3");
  EXPECT_EQ(Read(with(get(), {{"cookie", "a=1"}})).head.fields().find("cookie"), "a=1");
}

TEST(Http2Request, TakesHostForAnAuthorityThatIsNotThere) {
  const Read read(with(without(get(), ":authority"), {{"host", "b.example:81"}}));
  ASSERT_FALSE(read.finished.fault);
  EXPECT_EQ(read.head.authority().text, "b.example:81");
}

TEST(Http2Request, IsMalformedWhenHostAndAuthorityDiffer) {
  EXPECT_TRUE(Read(with(get(), {{"host", "b.example"}})).finished.malformed);
  EXPECT_FALSE(Read(with(get(), {{"host", "A.EXAMPLE"}})).finished.malformed);
}

TEST(Http2Request, FramesItsBodyForHttp1) {
  using http1::Framing;
  EXPECT_EQ(Read(get(), EndsHere::kYes).finished.framing, Framing::none());
  EXPECT_EQ(Read(post(), EndsHere::kYes).finished.framing, Framing::of_length(0));
  EXPECT_EQ(Read(post(), EndsHere::kNo).finished.framing, Framing::chunked());
  EXPECT_EQ(Read(with(post(), {{"content-length", "7"}}), EndsHere::kNo).finished.framing, Framing::of_length(7));
}

TEST(Http2Request, ReadsConnect) {
  const Read read({{":method", "CONNECT"}, {":authority", "a.example:443"}}, EndsHere::kNo);
  ASSERT_FALSE(read.finished.fault);
  EXPECT_EQ(read.head.port(), 443);
  EXPECT_EQ(read.finished.framing, http1::Framing::none());
  EXPECT_EQ(Read({{":method", "CONNECT"}, {":authority", "a.example"}}).finished.fault, http::Fault::kNoConnectPort);
}

struct Refusal {
  Lines lines;
  http::Fault fault;
};

TEST(Http2Request, SaysWhatIsToBeAnswered) {
  using http::Fault;
  const auto authority = [](const char* text) { return with(without(get(), ":authority"), {{":authority", text}}); };
  const Refusal refusals[] = {
      {authority("user@a"), Fault::kUserInfo},
      {authority("a:0"), Fault::kBadAuthority},
      {authority("127.1"), Fault::kBadAuthority},
      {with(without(get(), ":scheme"), {{":scheme", "ftp"}}), Fault::kUnknownScheme},
      {get("/a#b"), Fault::kBadTarget},
      {get("/\x80"), Fault::kBadTarget},
      {get(std::string(9000, 'x')), Fault::kStartLineTooLong},
      {with(get(), {{"x", std::string(40'000, 'y')}}), Fault::kHeadTooLarge},
  };
  for (const Refusal& refusal : refusals) {
    const Read read(refusal.lines);
    ASSERT_TRUE(read.finished.fault);
    EXPECT_EQ(http::facts(*read.finished.fault).name, http::facts(refusal.fault).name);
    EXPECT_FALSE(read.finished.malformed);
  }
}

TEST(Http2Request, CountsItsFields) {
  Lines lines = get();
  for (int i = 0; i < 10; ++i) lines.emplace_back("x", "y");
  EXPECT_FALSE(Read(lines, EndsHere::kYes, {.fields = 10}).finished.fault);
  lines.emplace_back("x", "y");
  EXPECT_EQ(Read(lines, EndsHere::kYes, {.fields = 10}).finished.fault, http::Fault::kTooManyFields);
}

TEST(Http2Trailers, LeaveOutWhatMayNotComeBehindABody) {
  http::Fields fields;
  EXPECT_TRUE(take_trailer("content-length", "5", 100, 2, fields));
  EXPECT_TRUE(take_trailer("x", "y", 100, 2, fields));
  EXPECT_EQ(fields.size(), 1U);
  EXPECT_FALSE(take_trailer("z", std::string(100, 'z'), 100, 2, fields));
  EXPECT_TRUE(take_trailer("z", "1", 100, 2, fields));
  EXPECT_FALSE(take_trailer("w", "1", 100, 2, fields));
}

}  // namespace
}  // namespace sluice::http2::test
