#include "proto/http2/client_session.h"

#include <algorithm>

#include "tests/unit/proto/http2/frames.h"

namespace sluice::http2::test {
namespace {

/// A session with an origin in the hands of the test.
class Asking {
 public:
  explicit Asking(ClientLimits limits = {}) : session(limits, now) {}

  /// The origin sends this.
  void say(std::string_view bytes) { session.feed(bytes, now); }
  /// All that the session wants to send now, as frames; the preface is left out.
  std::vector<Frame> hear() {
    Buffer out;
    std::string bytes;
    while (session.fill(out, now)) {
      bytes += out.view();
      out.clear();
    }
    std::string_view rest = bytes;
    if (rest.starts_with(kPreface)) rest.remove_prefix(kPreface.size());
    return frames_of(rest);
  }
  void ask(ClientStream& stream, Last last = Last::kYes, std::string_view method = "GET") {
    ASSERT_TRUE(head.start(method, "/", http::Version::kHttp11));
    head.fields().add(http::FieldId::kHost, "a.example");
    ASSERT_TRUE(head.settle_host());
    session.ask(stream, head, "http", last);
    head.clear();
  }
  /// The code of the frame that resets the stream, among those that the session sends now.
  std::optional<ErrorCode> reset_of(std::uint32_t stream) {
    for (const Frame& one : hear())
      if (one.type == kReset && one.stream == stream) return static_cast<ErrorCode>(one.number(0));
    return std::nullopt;
  }

  Nanos now{1};
  ClientSession session;
  http::RequestHead head;
};

const Lines kOk = {{":status", "200"}};
constexpr std::uint8_t kEndBoth = kEndStream | kEndHeaders;

std::vector<Frame> of(const std::vector<Frame>& frames, std::uint8_t type) {
  std::vector<Frame> found;
  std::ranges::copy_if(frames, std::back_inserter(found), [&](const Frame& one) { return one.type == type; });
  return found;
}

TEST(Http2ClientSession, BeginsWithPrefaceAndSettingsThatTakeNoPush) {
  ClientSession session({}, Nanos(1));
  Buffer out;
  ASSERT_TRUE(session.fill(out, Nanos(1)));
  EXPECT_TRUE(out.view().starts_with(kPreface));
  const std::vector<Frame> frames = frames_of(out.view().substr(kPreface.size()));
  ASSERT_FALSE(frames.empty());
  EXPECT_EQ(frames[0].type, kSettings);
  EXPECT_EQ(frames[0].payload.substr(0, 6), u16(2) + u32(0));
  EXPECT_FALSE(session.settled());
  session.feed(settings({{3, 7}}), Nanos(1));
  EXPECT_TRUE(session.settled());
  EXPECT_EQ(session.most_streams(), 7U);
}

TEST(Http2ClientSession, ReadsAnAnswerWholeAndByteByByte) {
  for (const bool whole : {true, false}) {
    Asking talk;
    ClientStream stream;
    talk.say(settings());
    talk.ask(stream);
    EXPECT_FALSE(stream.head_sent());
    EXPECT_EQ(of(talk.hear(), kHeaders).size(), 1U);
    EXPECT_TRUE(stream.head_sent());
    EXPECT_TRUE(stream.finished());
    http::ResponseHead head;
    EXPECT_FALSE(stream.take_head(head));
    const std::string answer = headers(1, with(kOk, {{"x-name", "value"}}), kEndHeaders) + data(1, "hello") +
                               headers(1, {{"x-sum", "42"}}, kEndBoth);
    if (whole) talk.say(answer);
    for (std::size_t i = 0; !whole && i < answer.size(); ++i) talk.say(answer.substr(i, 1));
    ASSERT_TRUE(stream.take_head(head));
    EXPECT_EQ(head.status(), 200);
    EXPECT_EQ(head.reason(), "OK");
    EXPECT_EQ(head.version(), http::Version::kHttp2);
    EXPECT_EQ(head.fields().find("x-name"), "value");
    EXPECT_EQ(stream.take_body(), "hello");
    EXPECT_TRUE(stream.ended());
    ASSERT_NE(stream.trailers(), nullptr);
    EXPECT_EQ(stream.trailers()->find("x-sum"), "42");
    EXPECT_TRUE(stream.closed());
    EXPECT_EQ(stream.error(), ErrorCode::kNoError);
    talk.session.drop(stream, ErrorCode::kCancel);
    EXPECT_TRUE(talk.hear().empty() || talk.hear().empty()) << "nothing is reset that has ended";
  }
}

TEST(Http2ClientSession, KeepsHeadsThatNobodyHasAskedForYet) {
  Asking talk;
  ClientStream stream;
  talk.ask(stream);
  talk.hear();
  talk.say(settings() + headers(1, {{":status", "103"}, {"link", "a"}}, kEndHeaders) + headers(1, kOk, kEndBoth));
  http::ResponseHead head;
  ASSERT_TRUE(stream.take_head(head));
  EXPECT_EQ(head.status(), 103);
  EXPECT_EQ(head.fields().find("link"), "a");
  ASSERT_TRUE(stream.take_head(head));
  EXPECT_EQ(head.status(), 200);
  EXPECT_FALSE(head.fields().has("link"));
  EXPECT_FALSE(stream.take_head(head));
  stream.forget_head();
  talk.session.drop(stream, ErrorCode::kCancel);
}

TEST(Http2ClientSession, ReadsNoHeadIntoOneThatWasForgotten) {
  Asking talk;
  ClientStream stream;
  talk.ask(stream);
  talk.hear();
  talk.say(settings());
  const std::string answer = headers(1, with(kOk, {{"x-name", "value"}}), kEndBoth);
  {
    http::ResponseHead head;
    EXPECT_FALSE(stream.take_head(head));
    talk.say(answer.substr(0, answer.size() - 3));
    stream.forget_head();
  }
  talk.say(answer.substr(answer.size() - 3));
  EXPECT_TRUE(stream.ended());
  talk.session.drop(stream, ErrorCode::kCancel);
}

TEST(Http2ClientSession, SendsNothingOfHttp1) {
  Asking talk;
  ClientStream stream;
  ASSERT_TRUE(talk.head.start("GET", "/p?q", http::Version::kHttp11));
  http::Fields& fields = talk.head.fields();
  fields.add(http::FieldId::kHost, "a.example");
  ASSERT_TRUE(talk.head.settle_host());
  fields.add(http::FieldId::kConnection, "TE");
  fields.add(http::FieldId::kTe, "trailers");
  fields.add(http::FieldId::kTransferEncoding, "chunked");
  ASSERT_TRUE(fields.add("X-Mixed", "Case"));
  talk.session.ask(stream, talk.head, "https", Last::kYes);
  const std::vector<Frame> sent = of(talk.hear(), kHeaders);
  ASSERT_EQ(sent.size(), 1U);
  // our own other end reads it
  Conversation server;
  server.say(hello() + frame(kHeaders, kEndBoth, 1, sent[0].payload));
  Stream* const got = server.find(1);
  ASSERT_NE(got, nullptr);
  EXPECT_FALSE(got->fault());
  EXPECT_EQ(got->head().scheme(), "https");
  EXPECT_EQ(got->head().authority().text, "a.example");
  EXPECT_EQ(got->head().path_and_query(), "/p?q");
  EXPECT_EQ(got->head().fields().find("x-mixed"), "Case");
  EXPECT_EQ(got->head().fields().find("te"), "trailers");
  EXPECT_FALSE(got->head().fields().has(http::FieldId::kTransferEncoding));
  EXPECT_FALSE(got->head().fields().has(http::FieldId::kConnection));
  talk.session.drop(stream, ErrorCode::kCancel);
}

TEST(Http2ClientSession, ConnectsOnlyWhereItIsOffered) {
  Asking talk;
  talk.say(settings());
  EXPECT_FALSE(talk.session.allows_connect());
  talk.say(settings({{8, 1}}));
  EXPECT_TRUE(talk.session.allows_connect());
  ClientStream stream;
  ASSERT_TRUE(talk.head.start("GET", "/chat", http::Version::kHttp11));
  http::Fields& fields = talk.head.fields();
  fields.add(http::FieldId::kHost, "a.example");
  ASSERT_TRUE(talk.head.settle_host());
  fields.add(http::FieldId::kConnection, "upgrade");
  fields.add(http::FieldId::kUpgrade, "websocket");
  fields.add(http::FieldId::kSecWebsocketKey, "secret");
  talk.session.connect(stream, talk.head, "http");
  const std::vector<Frame> sent = of(talk.hear(), kHeaders);
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].flags & kEndStream, 0);
  // our own other end reads it: as the Upgrade that it was
  Conversation server;
  server.say(hello() + frame(kHeaders, kEndHeaders, 1, sent[0].payload));
  Stream* const got = server.find(1);
  ASSERT_NE(got, nullptr);
  EXPECT_FALSE(got->fault());
  EXPECT_EQ(got->protocol(), "websocket");
  EXPECT_EQ(got->head().method_text(), "GET");
  EXPECT_EQ(got->head().path_and_query(), "/chat");
  EXPECT_EQ(got->head().fields().find(http::FieldId::kUpgrade), "websocket");
  EXPECT_FALSE(got->head().fields().has(http::FieldId::kSecWebsocketKey));
  EXPECT_TRUE(got->framing().empty());
  talk.say(headers(1, kOk, kEndHeaders));
  talk.session.offer(stream, "hello", Last::kNo, nullptr);
  EXPECT_EQ(of(talk.hear(), kData).size(), 1U);
  talk.session.end_tunnel(stream);
  const std::vector<Frame> end = of(talk.hear(), kData);
  ASSERT_EQ(end.size(), 1U);
  EXPECT_EQ(end[0].flags & kEndStream, kEndStream);
  talk.session.drop(stream, ErrorCode::kCancel);
}

TEST(Http2ClientSession, SendsABodyWithinTheWindowsAndItsTrailers) {
  Asking talk;
  ClientStream stream;
  talk.say(settings({{4, 3}}));
  talk.ask(stream, Last::kNo, "POST");
  EXPECT_TRUE(of(talk.hear(), kData).empty());
  http::Fields trailers;
  ASSERT_TRUE(trailers.add("x-sum", "42"));
  talk.session.offer(stream, "hello", Last::kYes, &trailers);
  std::vector<Frame> sent = of(talk.hear(), kData);
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].payload, "hel");
  EXPECT_FALSE(stream.taken());
  talk.say(window(1, 10));
  const std::vector<Frame> rest = talk.hear();
  sent = of(rest, kData);
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].payload, "lo");
  ASSERT_EQ(of(rest, kHeaders).size(), 1U);
  EXPECT_EQ(of(rest, kHeaders)[0].flags & kEndStream, kEndStream);
  EXPECT_TRUE(stream.taken());
  EXPECT_TRUE(stream.finished());
  talk.session.drop(stream, ErrorCode::kCancel);
}

TEST(Http2ClientSession, GivesTheStreamsCreditBackWhenTheBodyIsTakenAndTheConnectionsAtOnce) {
  Asking talk({.stream_window = 100});
  ClientStream stream;
  talk.say(settings());
  talk.ask(stream);
  talk.hear();
  talk.say(frame(kSettings, kAck, 0, ""));  // from here on the window is what we have said
  talk.say(headers(1, kOk, kEndHeaders) + data(1, std::string(100, 'x')));
  for (const Frame& one : of(talk.hear(), kWindow)) EXPECT_EQ(one.stream, 0U);
  EXPECT_EQ(stream.take_body().size(), 100U);
  EXPECT_TRUE(stream.release_body());
  const std::vector<Frame> credit = of(talk.hear(), kWindow);
  ASSERT_EQ(credit.size(), 1U);
  EXPECT_EQ(credit[0].stream, 1U);
  EXPECT_EQ(credit[0].number(0), 100U);
  talk.say(data(1, std::string(101, 'x')));
  EXPECT_EQ(talk.reset_of(1), ErrorCode::kFlowControlError);
  talk.session.drop(stream, ErrorCode::kCancel);
}

TEST(Http2ClientSession, TellsWhatTheOriginHasNotLookedAt) {
  Asking talk;
  std::array<ClientStream, 3> streams;
  talk.say(settings());
  for (ClientStream& stream : streams) talk.ask(stream);
  talk.hear();
  talk.say(frame(kGoAway, 0, 0, u32(1) + u32(0)));
  EXPECT_TRUE(talk.session.leaving());
  EXPECT_FALSE(streams[0].closed());
  for (const std::size_t above : {1U, 2U}) {
    EXPECT_TRUE(streams[above].closed());
    EXPECT_EQ(streams[above].error(), ErrorCode::kRefusedStream);
  }
  talk.say(headers(1, kOk, kEndBoth));
  EXPECT_TRUE(streams[0].ended());
  ClientStream late;
  talk.ask(late);
  talk.hear();
  EXPECT_TRUE(late.closed());
  EXPECT_FALSE(late.head_sent());
  for (ClientStream& stream : streams) talk.session.drop(stream, ErrorCode::kCancel);
  talk.session.drop(late, ErrorCode::kCancel);
}

TEST(Http2ClientSession, TakesAStreamBack) {
  Asking talk;
  talk.say(settings());
  {
    ClientStream stream;
    talk.ask(stream);
    talk.hear();
    talk.session.drop(stream, ErrorCode::kCancel);
    EXPECT_EQ(talk.reset_of(1), ErrorCode::kCancel);
  }
  {
    ClientStream unsent;
    talk.ask(unsent);
    talk.session.drop(unsent, ErrorCode::kCancel);
  }
  EXPECT_TRUE(of(talk.hear(), kHeaders).empty()) << "the origin hears nothing of what had not left";
  // what is still on its way is for nobody
  talk.say(headers(1, kOk, kEndHeaders) + data(1, "late", kEndStream));
  EXPECT_EQ(talk.session.streams(), 0U);
  EXPECT_FALSE(talk.session.over());
}

struct Wrong {
  std::string_view name;
  std::string answer;
};

TEST(Http2ClientSession, RefusesAnAnswerThatHttpDoesNotAllow) {
  const std::vector<Wrong> cases = {
      {"upper case", headers(1, with(kOk, {{"X-Upper", "y"}}), kEndHeaders)},
      {"connection", headers(1, with(kOk, {{"connection", "close"}}), kEndHeaders)},
      {"transfer-encoding", headers(1, with(kOk, {{"transfer-encoding", "chunked"}}), kEndHeaders)},
      {"line end", headers(1, with(kOk, {{"x", "a\r\nb"}}), kEndHeaders)},
      {"NUL", headers(1, with(kOk, {{"x", std::string("a\0b", 3)}}), kEndHeaders)},
      {"no status", headers(1, {{"x", "y"}}, kEndHeaders)},
      {"two statuses", headers(1, with(kOk, {{":status", "200"}}), kEndHeaders)},
      {"late status", headers(1, {{"x", "y"}, {":status", "200"}}, kEndHeaders)},
      {"path", headers(1, with(kOk, {{":path", "/"}}), kEndHeaders)},
      {"999", headers(1, {{":status", "999"}}, kEndHeaders)},
      {"20", headers(1, {{":status", "20"}}, kEndHeaders)},
      {"2x0", headers(1, {{":status", "2x0"}}, kEndHeaders)},
      {"101", headers(1, {{":status", "101"}}, kEndHeaders)},
      {"an end in an interim answer", headers(1, {{":status", "103"}}, kEndBoth)},
      {"two lengths", headers(1, with(kOk, {{"content-length", "1"}, {"content-length", "2"}}), kEndHeaders)},
      {"too little", headers(1, with(kOk, {{"content-length", "5"}}), kEndHeaders) + data(1, "abc", kEndStream)},
      {"too much", headers(1, with(kOk, {{"content-length", "1"}}), kEndHeaders) + data(1, "abc", kEndStream)},
      {"a large head", headers(1, with(kOk, {{"x", std::string(9000, 'x')}}), kEndHeaders)},
      {"status in trailers", headers(1, kOk, kEndHeaders) + headers(1, {{":status", "200"}}, kEndBoth)},
      {"large trailers", headers(1, kOk, kEndHeaders) + headers(1, {{"x", std::string(600, 'x')}}, kEndBoth)},
  };
  for (const Wrong& wrong : cases) {
    Asking talk({.head = 8192, .trailers = 512});
    ClientStream stream;
    talk.say(settings());
    talk.ask(stream);
    talk.hear();
    http::ResponseHead head;
    static_cast<void>(stream.take_head(head));
    talk.say(wrong.answer);
    talk.hear();
    EXPECT_TRUE(stream.fault() || stream.malformed()) << wrong.name;
    EXPECT_FALSE(talk.session.over()) << wrong.name;
    stream.forget_head();
    talk.session.drop(stream, ErrorCode::kCancel);
  }
}

TEST(Http2ClientSession, EndsTheConnectionOfAnOriginThatFloods) {
  const auto many = [](std::size_t count, const std::string& what) {
    std::string all;
    for (std::size_t i = 0; i < count; ++i) all += what;
    return all;
  };
  const std::string ok = headers(1, kOk, kEndHeaders);
  const std::vector<std::pair<Flood, std::string>> cases = {
      {Flood::kPings, many(1500, ping())},
      {Flood::kSettings, many(100, settings())},
      {Flood::kEmptyFrames, ok + many(300, data(1, ""))},
      {Flood::kUnknown, many(300, frame(0x33, 0, 0, "x"))},
      {Flood::kResets, many(700, reset(1))},
      {Flood::kContinuations, frame(kHeaders, 0, 1, block(kOk)) + many(200, frame(kContinuation, 0, 1, ""))},
  };
  for (const auto& [flood, frames] : cases) {
    Asking talk;
    ClientStream stream;
    talk.say(settings());
    talk.ask(stream);
    talk.hear();
    talk.say(frames);
    EXPECT_EQ(talk.session.flood(), flood) << name(flood);
    EXPECT_TRUE(talk.session.over());
    EXPECT_EQ(of(talk.hear(), kGoAway).size(), 1U);
    talk.session.drop(stream, ErrorCode::kCancel);
  }
}

TEST(Http2ClientSession, EndsTheConnectionOfWhoIsNoHttp2Server) {
  for (const std::string& bytes : {std::string("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"), ping(),
                                   frame(kPush, 4, 1, u32(2)), data(1, "x")}) {
    Asking talk;
    talk.hear();
    talk.say(bytes);
    talk.hear();
    EXPECT_TRUE(talk.session.over());
    EXPECT_FALSE(talk.session.broken().empty());
    EXPECT_FALSE(talk.session.settled());
  }
}

}  // namespace
}  // namespace sluice::http2::test
