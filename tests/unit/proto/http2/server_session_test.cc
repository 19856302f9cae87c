#include "proto/http2/server_session.h"

#include <algorithm>

#include "tests/unit/proto/http2/frames.h"

namespace sluice::http2::test {
namespace {

http::ResponseHead& ok(http::ResponseHead& head, std::string_view length = "") {
  head.set_status(200);
  if (!length.empty()) head.fields().add(http::FieldId::kContentLength, length);
  return head;
}

std::vector<Frame> of(const std::vector<Frame>& frames, std::uint8_t type) {
  std::vector<Frame> found;
  std::ranges::copy_if(frames, std::back_inserter(found), [&](const Frame& one) { return one.type == type; });
  return found;
}

TEST(Http2Session, BeginsWithItsSettings) {
  Conversation talk;
  const std::vector<Frame> frames = talk.hear();
  ASSERT_FALSE(frames.empty());
  EXPECT_EQ(frames[0].type, kSettings);
  EXPECT_EQ(frames[0].payload.size() % 6, 0U);
}

TEST(Http2Session, AnswersWithHeadAndBody) {
  Conversation talk;
  talk.say(hello() + headers(1, get()));
  Stream* const stream = talk.find(1);
  ASSERT_NE(stream, nullptr);
  EXPECT_TRUE(stream->ended());
  http::ResponseHead head;
  talk.session.answer(*stream, ok(head, "5"), Last::kNo);
  talk.session.offer(*stream, "hello", Last::kYes, nullptr);
  EXPECT_FALSE(stream->taken());
  const std::vector<Frame> frames = talk.hear();
  const std::vector<Frame> data = of(frames, kData);
  ASSERT_EQ(data.size(), 1U);
  EXPECT_EQ(data[0].payload, "hello");
  EXPECT_EQ(data[0].flags & kEndStream, kEndStream);
  EXPECT_TRUE(stream->taken());
  EXPECT_TRUE(stream->finished());
  EXPECT_TRUE(talk.gone.empty()) << "it has ended in order";
  talk.session.drop(*stream, ErrorCode::kInternalError);
  EXPECT_TRUE(of(talk.hear(), kReset).empty());
}

TEST(Http2Session, TakesABodyPieceByPiece) {
  Conversation talk;
  talk.say(hello() + headers(1, get()));
  Stream* const stream = talk.find(1);
  http::ResponseHead head;
  talk.session.answer(*stream, ok(head), Last::kNo);
  EXPECT_EQ(of(talk.hear(), kHeaders).size(), 1U) << "the head does not wait for the body";
  for (const std::string_view piece : {"a", "bc", "def"}) {
    talk.session.offer(*stream, piece, Last::kNo, nullptr);
    const std::vector<Frame> data = of(talk.hear(), kData);
    ASSERT_EQ(data.size(), 1U);
    EXPECT_EQ(data[0].payload, piece);
    EXPECT_EQ(data[0].flags & kEndStream, 0);
  }
  talk.session.offer(*stream, "", Last::kYes, nullptr);
  EXPECT_FALSE(stream->taken());
  const std::vector<Frame> data = of(talk.hear(), kData);
  ASSERT_EQ(data.size(), 1U);
  EXPECT_EQ(data[0].flags & kEndStream, kEndStream);
  EXPECT_TRUE(stream->taken());
}

TEST(Http2Session, SendsTrailersBehindTheBody) {
  for (const std::string_view last : {"", "x"}) {
    Conversation talk;
    talk.say(hello() + headers(1, get()));
    Stream* const stream = talk.find(1);
    http::ResponseHead head;
    http::Fields trailers;
    ASSERT_TRUE(trailers.add("X-Sum", "1"));
    talk.session.answer(*stream, ok(head), Last::kNo);
    talk.session.offer(*stream, "abc", Last::kNo, nullptr);
    talk.hear();
    talk.session.offer(*stream, last, Last::kYes, &trailers);
    talk.hear();
    const std::vector<Frame> heads = of(talk.heard, kHeaders);
    ASSERT_EQ(heads.size(), 2U);
    EXPECT_EQ(heads[1].flags & kEndStream, kEndStream);
    EXPECT_TRUE(stream->finished());
    EXPECT_TRUE(stream->taken());
  }
}

TEST(Http2Session, ReadsBodyAndTrailers) {
  Conversation talk;
  talk.say(hello() + headers(1, post(), kEndHeaders));
  Stream* const stream = talk.find(1);
  ASSERT_NE(stream, nullptr);
  EXPECT_FALSE(stream->ended());
  EXPECT_FALSE(stream->has_body());
  talk.say(data(1, "abc"));
  const std::string_view first = stream->take_body();
  talk.say(data(1, "def") + headers(1, {{"x-sum", "1"}, {"host", "b"}}));
  EXPECT_EQ(first, "abc") << "what was handed out moved while more arrived";
  EXPECT_TRUE(stream->has_body());
  EXPECT_EQ(stream->take_body(), "def");
  EXPECT_TRUE(stream->ended());
  ASSERT_NE(stream->trailers(), nullptr);
  EXPECT_EQ(stream->trailers()->find("x-sum"), "1");
  EXPECT_FALSE(stream->trailers()->has("host"));
}

TEST(Http2Session, StopsAClientThatStillSendsWhenItsAnswerIsWhole) {
  Conversation talk;
  talk.say(hello() + headers(1, post(), kEndHeaders));
  http::ResponseHead head;
  talk.session.answer(*talk.find(1), ok(head), Last::kYes);
  EXPECT_EQ(talk.reset_of(1), ErrorCode::kNoError);
  EXPECT_EQ(talk.goaway(), std::nullopt);
}

TEST(Http2Session, ResetsAnAnswerThatIsNotWhole) {
  Conversation talk;
  talk.say(hello() + headers(1, get()));
  Stream* const stream = talk.find(1);
  http::ResponseHead head;
  talk.session.answer(*stream, ok(head), Last::kNo);
  talk.session.offer(*stream, "a part", Last::kNo, nullptr);
  talk.hear();
  talk.session.drop(*stream, ErrorCode::kInternalError);
  EXPECT_EQ(talk.reset_of(1), ErrorCode::kInternalError);
}

// What was offered is not looked at any more once the stream has been dropped.
TEST(Http2Session, ForgetsAPieceWithItsStream) {
  Conversation talk;
  talk.say(hello() + headers(1, get()));
  Stream* const stream = talk.find(1);
  http::ResponseHead head;
  auto piece = std::make_unique<std::string>(1000, 'x');
  talk.session.answer(*stream, ok(head), Last::kNo);
  talk.session.offer(*stream, *piece, Last::kNo, nullptr);
  talk.session.drop(*stream, ErrorCode::kCancel);
  piece.reset();
  EXPECT_TRUE(of(talk.hear(), kData).empty());
}

TEST(Http2Session, SendsNothingOfWhatWasWithdrawn) {
  Conversation talk;
  talk.say(hello() + headers(1, get()));
  Stream* const stream = talk.find(1);
  http::ResponseHead head;
  auto piece = std::make_unique<std::string>(1000, 'x');
  talk.session.answer(*stream, ok(head), Last::kNo);
  talk.session.offer(*stream, *piece, Last::kYes, nullptr);
  ServerSession::withdraw(*stream);
  piece.reset();
  EXPECT_TRUE(of(talk.hear(), kData).empty());
  talk.session.drop(*stream, ErrorCode::kInternalError);
  EXPECT_EQ(talk.reset_of(1), ErrorCode::kInternalError) << "an answer that is not whole looks whole";
}

TEST(Http2Session, SendsInterimResponsesBefore) {
  Conversation talk;
  talk.say(hello() + headers(1, get()));
  Stream* const stream = talk.find(1);
  http::ResponseHead hint;
  hint.set_status(103);
  talk.session.interim(*stream, hint);
  EXPECT_FALSE(stream->taken());
  EXPECT_EQ(of(talk.hear(), kHeaders).size(), 1U);
  EXPECT_TRUE(stream->taken());
  http::ResponseHead head;
  talk.session.answer(*stream, ok(head), Last::kYes);
  EXPECT_EQ(of(talk.hear(), kHeaders).size(), 1U);
}

TEST(Http2Session, WritesNamesInLowerCase) {
  Conversation talk;
  talk.say(hello() + headers(1, get()));
  http::ResponseHead head;
  ASSERT_TRUE(ok(head).fields().add("X-Name", "Value"));
  talk.session.answer(*talk.find(1), head, Last::kYes);
  const std::vector<Frame> heads = of(talk.hear(), kHeaders);
  ASSERT_EQ(heads.size(), 1U);
  // HPACK may pack the text; what it would be in capitals is not there in any case
  EXPECT_EQ(heads[0].payload.find("X-Name"), std::string::npos);
}

TEST(Http2Session, EndsInTwoStepsWithARoundTripBetween) {
  Conversation talk;
  talk.say(hello() + headers(1, get()));
  talk.session.announce_end();
  std::vector<Frame> goaways = of(talk.hear(), kGoAway);
  ASSERT_EQ(goaways.size(), 1U);
  EXPECT_EQ(goaways[0].number(0), 0x7fffffffU);
  EXPECT_FALSE(talk.session.end_heard());
  talk.say(headers(3, get()));
  EXPECT_NE(talk.find(3), nullptr) << "it was on its way";
  const Frame asked = of(talk.heard, kPing).at(0);
  talk.say(ping(asked.payload, kAck));
  EXPECT_TRUE(talk.session.end_heard());
  talk.session.end();
  goaways = of(talk.hear(), kGoAway);
  ASSERT_EQ(goaways.size(), 1U);
  EXPECT_EQ(goaways[0].number(0), 3U);
  EXPECT_EQ(goaways[0].number(4), 0U);
  talk.say(headers(5, get()));
  EXPECT_EQ(talk.find(5), nullptr) << "behind the last stream";
  EXPECT_FALSE(talk.session.over()) << "what is open goes on";
  for (const std::int32_t id : {1, 3}) {
    http::ResponseHead head;
    Stream* const stream = talk.find(id);
    talk.session.answer(*stream, ok(head), Last::kYes);
    talk.hear();
    std::erase(talk.arrived, stream);
    talk.session.drop(*stream, ErrorCode::kInternalError);
  }
  EXPECT_TRUE(talk.session.over());
}

TEST(Http2Session, CarriesATunnelBothWaysAndEndsItByHalves) {
  Conversation talk;
  talk.say(hello() + headers(1, {{":method", "CONNECT"}, {":authority", "a:1"}}, kEndHeaders));
  Stream* const stream = talk.find(1);
  ASSERT_NE(stream, nullptr);
  http::ResponseHead head;
  talk.session.open_tunnel(*stream, ok(head));
  talk.session.offer(*stream, "down", Last::kNo, nullptr);
  EXPECT_EQ(of(talk.hear(), kData).at(0).payload, "down");
  talk.session.end_tunnel(*stream);
  EXPECT_EQ(of(talk.hear(), kData).at(0).flags & kEndStream, kEndStream);
  EXPECT_EQ(talk.reset_of(1), std::nullopt) << "the other direction goes on";
  talk.say(data(1, "up"));
  EXPECT_EQ(stream->take_body(), "up");
  talk.say(data(1, "", kEndStream));
  EXPECT_TRUE(stream->ended());
  EXPECT_TRUE(stream->closed());
  EXPECT_TRUE(talk.gone.empty());
}

TEST(Http2Session, ResetsATunnelThatIsCutWhileTheClientMaySend) {
  Conversation talk;
  talk.say(hello() + headers(1, {{":method", "CONNECT"}, {":authority", "a:1"}}, kEndHeaders));
  Stream* const stream = talk.find(1);
  http::ResponseHead head;
  talk.session.open_tunnel(*stream, ok(head));
  talk.session.end_tunnel(*stream);
  talk.hear();
  talk.session.drop(*stream, ErrorCode::kConnectError);
  EXPECT_EQ(talk.reset_of(1), ErrorCode::kConnectError);
}

TEST(Http2Session, ResetsAStreamWhoseAnswerNeverLeft) {
  Conversation talk;
  talk.say(hello() + headers(1, get()));
  Stream* const stream = talk.find(1);
  http::ResponseHead head;
  talk.session.answer(*stream, ok(head), Last::kYes);
  talk.session.drop(*stream, ErrorCode::kInternalError);
  EXPECT_EQ(talk.reset_of(1), ErrorCode::kInternalError);
}

TEST(Http2Session, SendsHeadsAsLargeAsOriginsMaySendThem) {
  Conversation talk;
  talk.say(hello() + headers(1, get()));
  http::ResponseHead head;
  ok(head);
  for (int i = 0; i < 100; ++i)
    ASSERT_TRUE(head.fields().add("x-large", std::string(10'000, static_cast<char>('a' + i % 26))));
  talk.session.answer(*talk.find(1), head, Last::kYes);
  std::size_t size = 0;
  for (const Frame& one : talk.hear())
    if (one.type == kHeaders || one.type == kContinuation) size += one.payload.size();
  EXPECT_GT(size, 100'000U);
  EXPECT_EQ(talk.goaway(), std::nullopt);
}

TEST(Http2Session, SendsNoFieldsThatAreOfOneConnection) {
  Conversation talk;
  talk.say(hello() + headers(1, get()));
  http::ResponseHead head;
  ok(head);
  head.fields().add(http::FieldId::kConnection, "keep-alive");
  head.fields().add(http::FieldId::kKeepAlive, "timeout=5");
  talk.session.answer(*talk.find(1), head, Last::kYes);
  const auto heads = of(talk.hear(), kHeaders);
  ASSERT_EQ(heads.size(), 1U);
  EXPECT_LT(heads[0].payload.size(), 10U) << "more than the status";
}

// An upload that we stop has not ended, whatever had come of it.
TEST(Http2Session, DoesNotTakeAStreamThatItHasResetForEnded) {
  Conversation talk;
  talk.say(hello() + headers(1, post(), kEndHeaders));
  Stream* const stream = talk.find(1);
  talk.say(data(1, "some"));
  http::ResponseHead head;
  talk.session.answer(*stream, ok(head), Last::kYes);
  EXPECT_EQ(talk.reset_of(1), ErrorCode::kNoError);
  EXPECT_TRUE(stream->closed());
  EXPECT_FALSE(stream->ended());
}

}  // namespace
}  // namespace sluice::http2::test
