// Frames that no client may send, or not so many of: each with what becomes of the connection (RFC 9113 sections 4 to
// 6).
#include <algorithm>

#include "tests/unit/proto/http2/frames.h"

namespace sluice::http2::test {
namespace {

struct Case {
  const char* name;
  std::string bytes;
  ErrorCode code;  // of the GOAWAY
};
std::ostream& operator<<(std::ostream& out, const Case& one) {
  return out << one.name;
}

std::string repeat(std::string_view bytes, std::size_t times) {
  std::string out;
  out.reserve(bytes.size() * times);
  for (std::size_t i = 0; i < times; ++i) out += bytes;
  return out;
}

// A request on each of so many streams, and something behind each.
template <class After>
std::string requests(std::uint32_t count, const Lines& lines, After after,
                     std::uint8_t flags = kEndStream | kEndHeaders) {
  std::string out;
  for (std::uint32_t i = 0; i < count; ++i) out += headers(2 * i + 1, lines, flags) + after(2 * i + 1);
  return out;
}

constexpr auto kProtocol = ErrorCode::kProtocolError;
constexpr auto kSize = ErrorCode::kFrameSizeError;
constexpr auto kFlow = ErrorCode::kFlowControlError;
constexpr auto kCalm = ErrorCode::kEnhanceYourCalm;

const std::vector<Case>& mistakes() {
  static const std::vector<Case> kCases = {
      {"no preface", "GET / HTTP/1.1\r\n\r\nGET / HTTP", kProtocol},
      {"the first frame is not SETTINGS", std::string(kPreface) + ping(), kProtocol},
      {"SETTINGS on a stream", hello() + frame(kSettings, 0, 1, ""), kProtocol},
      {"SETTINGS of a wrong size", hello() + frame(kSettings, 0, 0, "12345"), kSize},
      {"an acknowledgement of SETTINGS with a payload", hello() + frame(kSettings, kAck, 0, "123456"), kSize},
      {"an acknowledgement that nobody asked for", hello() + repeat(frame(kSettings, kAck, 0, ""), 2), kProtocol},
      {"WINDOW_UPDATE of 0 for a stream", hello() + headers(1, post(), kEndHeaders) + window(1, 0), kProtocol},
      {"ENABLE_PUSH that is 2", hello() + settings({{2, 2}}), kProtocol},
      {"a window beyond 31 bits", hello() + settings({{4, 0x80000000}}), kFlow},
      {"frames smaller than the least", hello() + settings({{5, 100}}), kProtocol},
      {"frames larger than the most", hello() + settings({{5, 1U << 24U}}), kProtocol},
      {"NO_RFC7540_PRIORITIES that is 2", hello() + settings({{9, 2}}), kProtocol},
      {"a frame that is too large", hello() + frame(kData, 0, 1, std::string(16385, 'x')), kSize},
      {"HEADERS on stream 0", hello() + headers(0, get()), kProtocol},
      {"HEADERS on a stream of ours", hello() + headers(2, get()), kProtocol},
      {"a stream that was never opened gets DATA", hello() + data(1, "x"), kProtocol},
      {"DATA on stream 0", hello() + data(0, "x"), kProtocol},
      {"a stream that was never opened is reset", hello() + reset(1), kProtocol},
      {"a stream that was never opened gets credit", hello() + window(1, 1), kProtocol},
      {"RST_STREAM on stream 0", hello() + reset(0), kProtocol},
      {"RST_STREAM of a wrong size", hello() + headers(1, get()) + frame(kReset, 0, 1, "123"), kSize},
      {"PRIORITY of a wrong size", hello() + headers(1, get()) + frame(kPriority, 0, 1, "1234"), kSize},
      {"PRIORITY_UPDATE for stream 0", hello() + frame(kPriorityUpdate, 0, 0, u32(0) + "u=1"), kProtocol},
      {"PING on a stream", hello() + frame(kPing, 0, 1, "12345678"), kProtocol},
      {"PING of a wrong size", hello() + frame(kPing, 0, 0, "1234"), kSize},
      {"GOAWAY on a stream", hello() + frame(kGoAway, 0, 1, "12345678"), kProtocol},
      {"GOAWAY of a wrong size", hello() + frame(kGoAway, 0, 0, "1234"), kSize},
      {"a client that pushes", hello() + frame(kPush, kEndHeaders, 1, u32(2) + block(get())), kProtocol},
      {"WINDOW_UPDATE of 0 for the connection", hello() + window(0, 0), kProtocol},
      {"WINDOW_UPDATE beyond 31 bits for the connection", hello() + window(0, 0x7fffffff) + window(0, 0x7fffffff),
       kFlow},
      {"WINDOW_UPDATE of a wrong size", hello() + frame(kWindow, 0, 0, "123"), kSize},
      {"CONTINUATION without HEADERS", hello() + frame(kContinuation, kEndHeaders, 1, ""), kProtocol},
      {"something between HEADERS and CONTINUATION", hello() + headers(1, get(), kEndStream) + ping(), kProtocol},
      {"CONTINUATION of another stream",
       hello() + headers(1, get(), kEndStream) + frame(kContinuation, kEndHeaders, 3, ""), kProtocol},
      {"more padding than there is frame",
       hello() + headers(1, post(), kEndHeaders) + frame(kData, kPadded, 1, std::string(1, '\x05') + "x"), kProtocol},
      {"HEADERS with more padding than there is frame", hello() + frame(kHeaders, kPadded | kEndHeaders, 1, "\x7fx"),
       kProtocol},
      {"a stream number that goes back", hello() + headers(5, get()) + headers(5, get()), ErrorCode::kStreamClosed},
      {"HPACK: an index that is not there", hello() + frame(kHeaders, kEndHeaders, 1, "\xff\xff\x03"),
       ErrorCode::kCompressionError},
      {"HPACK: index 0", hello() + frame(kHeaders, kEndHeaders, 1, "\x80"), ErrorCode::kCompressionError},
      {"HPACK: a text that is cut",
       hello() + frame(kHeaders, kEndHeaders, 1,
                       std::string("\0\x05"
                                   "ab",
                                   4)),
       ErrorCode::kCompressionError},
      {"HPACK: a number without an end", hello() + frame(kHeaders, kEndHeaders, 1, "\xff" + std::string(12, '\xff')),
       ErrorCode::kCompressionError},
      {"HPACK: a table larger than allowed", hello() + frame(kHeaders, kEndHeaders, 1, "\x3f\xe1\xff\x03"),
       ErrorCode::kCompressionError},
  };
  return kCases;
}

class Mistakes : public testing::TestWithParam<Case> {};

TEST_P(Mistakes, EndTheConnectionWithTheirCode) {
  Conversation talk;
  talk.say(GetParam().bytes);
  const std::optional<ErrorCode> code = talk.goaway();
  ASSERT_TRUE(code) << "no GOAWAY";
  EXPECT_EQ(name(*code), name(GetParam().code));
  EXPECT_TRUE(talk.session.over());
  talk.say(headers(99, get()));
  EXPECT_EQ(talk.find(99), nullptr) << "a request was taken after the end";
}

// The session ends as well when the bytes come one by one; GOAWAY may then be told by the first of several mistakes.
TEST_P(Mistakes, EndItByteByByte) {
  Conversation talk;
  talk.dribble(GetParam().bytes);
  EXPECT_TRUE(talk.goaway());
  EXPECT_TRUE(talk.session.over());
}

struct FloodCase {
  const char* name;
  std::string bytes;
  Flood flood;
};
std::ostream& operator<<(std::ostream& out, const FloodCase& one) {
  return out << one.name;
}

const std::vector<FloodCase>& floods() {
  static const std::string kStart = hello() + headers(1, post(), kEndHeaders);
  static const std::vector<FloodCase> kCases = {
      {"rapid reset", hello() + requests(2000, get(), [](std::uint32_t id) { return reset(id); }), Flood::kResets},
      {"rapid reset without an end of the request",
       hello() + requests(
                     2000, post(), [](std::uint32_t id) { return reset(id); }, kEndHeaders),
       Flood::kResets},
      {"PING", hello() + repeat(ping(), 5000), Flood::kPings},
      {"answers to PING", hello() + repeat(ping("12345678", kAck), 5000), Flood::kPings},
      {"SETTINGS", hello() + repeat(settings(), 500), Flood::kSettings},
      {"SETTINGS that change the table", hello() + repeat(settings({{1, 0}}) + settings({{1, 4096}}), 500),
       Flood::kSettings},
      {"empty DATA", kStart + repeat(data(1, ""), 1000), Flood::kEmptyFrames},
      {"DATA of padding alone", kStart + repeat(frame(kData, kPadded, 1, std::string(8, '\x07')), 1000),
       Flood::kEmptyFrames},
      {"CONTINUATION without an end",
       hello() + headers(1, get(), kEndStream) + repeat(frame(kContinuation, 0, 1, literal("x", "y")), 2000),
       Flood::kContinuations},
      {"empty CONTINUATION", hello() + headers(1, get(), kEndStream) + repeat(frame(kContinuation, 0, 1, ""), 2000),
       Flood::kContinuations},
      {"large CONTINUATION",
       hello() + headers(1, get(), kEndStream) +
           repeat(frame(kContinuation, 0, 1, literal("x", std::string(16000, 'y'))), 50),
       Flood::kContinuations},
      {"PRIORITY", hello() + headers(1, get()) + repeat(frame(kPriority, 0, 3, u32(0) + "x"), 5000),
       Flood::kPriorities},
      {"PRIORITY_UPDATE", kStart + repeat(frame(kPriorityUpdate, 0, 0, u32(1) + "u=1"), 5000), Flood::kPriorities},
      {"credit a byte at a time", hello() + repeat(window(0, 1), 20'000), Flood::kWindows},
      {"frames of a type that nobody knows", hello() + repeat(frame(0xfe, 0, 0, "x"), 1000), Flood::kUnknown},
      {"GOAWAY", kStart + repeat(frame(kGoAway, 0, 0, "12345678"), 1000), Flood::kUnknown},
  };
  return kCases;
}

class Floods : public testing::TestWithParam<FloodCase> {};

TEST_P(Floods, EndTheConnectionAndSayWhy) {
  Conversation talk;
  talk.say(GetParam().bytes);
  EXPECT_EQ(talk.goaway(), kCalm);
  ASSERT_TRUE(talk.session.flood());
  EXPECT_EQ(name(*talk.session.flood()), name(GetParam().flood));
  EXPECT_TRUE(talk.session.over());
}

TEST_P(Floods, AreSeenByteByByte) {
  Conversation talk;
  for (std::size_t i = 0; i < GetParam().bytes.size() && !talk.session.over(); i += 7)
    talk.say(std::string_view(GetParam().bytes).substr(i, 7));
  ASSERT_TRUE(talk.session.flood());
  EXPECT_EQ(name(*talk.session.flood()), name(GetParam().flood));
}

// CVE-2025-8671: the client breaks a rule, so that we reset its stream, while the request goes on behind us. Answers
// are read between, as a real client would.
class MadeYouReset : public testing::TestWithParam<FloodCase> {};

const std::vector<FloodCase>& made_resets() {
  const auto each = [](std::string_view mistake) {
    std::string out;
    for (std::uint32_t id = 1; id < 1000; id += 2) {
      std::string one(mistake);
      for (std::size_t at = one.find("ID"); at != std::string::npos; at = one.find("ID")) one.replace(at, 4, u32(id));
      out += headers(id, post(), kEndHeaders) + one;
    }
    return out;
  };
  // "ID.." stands for the number of the stream
  const std::string too_much = window(0, 0).substr(0, 5) + "ID.." + u32(0x7fffffff);
  static const std::vector<FloodCase> kCases = {
      {"credit beyond 31 bits", each(too_much), Flood::kErrors},
      {"malformed requests", requests(1000, with(get(), {{"connection", "x"}}), [](std::uint32_t) { return ""; }),
       Flood::kErrors},
  };
  return kCases;
}

TEST_P(MadeYouReset, EndsTheConnection) {
  Conversation talk;
  talk.say(hello());
  const std::string_view bytes = GetParam().bytes;
  for (std::size_t i = 0; i < bytes.size() && !talk.session.over(); i += 500) {
    talk.say(bytes.substr(i, 500));
    talk.hear();
  }
  EXPECT_EQ(talk.goaway(), kCalm);
  ASSERT_TRUE(talk.session.flood());
  EXPECT_EQ(name(*talk.session.flood()), name(GetParam().flood));
  EXPECT_LE(talk.session.streams(), talk.arrived.size() + 1) << "a stream was forgotten";
}

TEST(Http2Abuse, EndsABlockThatUnpacksToFarTooMuch) {
  Conversation talk;
  talk.say(hello());
  // one large field goes into the table, and is then named again and again with one byte each
  const std::string large =
      std::string("\x40", 1) + integer(1, 7, 0) + "x" + integer(4000, 7, 0) + std::string(4000, 'y');
  for (std::uint32_t id = 1; id < 200 && !talk.session.over(); id += 2) {
    talk.say(frame(kHeaders, kEndHeaders | kEndStream, id,
                   block(get()) + (id == 1 ? large : "") + std::string(8000, '\xbe')));
    talk.hear();
    for (Stream* const stream : talk.arrived) {
      EXPECT_TRUE(stream->fault()) << "a bomb is no request";
      EXPECT_LT(stream->head().fields().wire_size(), 40'000U) << "the bomb was kept";
    }
  }
  EXPECT_EQ(talk.goaway(), kCalm);
  EXPECT_EQ(talk.session.flood(), Flood::kFields);
}

TEST(Http2Abuse, RefusesMoreStreamsThanItHasSaid) {
  SessionLimits limits;
  limits.streams = 4;
  Conversation talk(limits);
  talk.say(hello() + requests(6, get(), [](std::uint32_t) { return ""; }));
  talk.hear();
  EXPECT_EQ(talk.arrived.size(), 4U);
  // the client had not heard of the limit: these may be tried again
  EXPECT_EQ(talk.reset_of(9), ErrorCode::kRefusedStream);
  EXPECT_EQ(talk.reset_of(11), ErrorCode::kRefusedStream);
  EXPECT_EQ(talk.goaway(), std::nullopt);
}

TEST(Http2Abuse, ForgetsAtOnceWhatIsResetInOneGo) {
  Conversation talk;
  talk.say(hello() + requests(100, get(), [](std::uint32_t id) { return reset(id); }));
  EXPECT_TRUE(talk.arrived.empty());
  EXPECT_TRUE(talk.gone.empty());
  EXPECT_EQ(talk.session.streams(), 0U);
}

TEST(Http2Abuse, TakesBackWhatWasAnnounced) {
  Conversation talk;
  talk.say(hello() + headers(1, get()));
  ASSERT_NE(talk.find(1), nullptr);
  talk.say(reset(1));
  EXPECT_EQ(talk.gone, std::vector<std::int32_t>{1});
  EXPECT_EQ(talk.session.streams(), 0U);
}

std::string test_name(std::string name) {
  std::ranges::replace_if(name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(, Mistakes, testing::ValuesIn(mistakes()),
                         [](const auto& one) { return test_name(one.param.name); });
INSTANTIATE_TEST_SUITE_P(, Floods, testing::ValuesIn(floods()),
                         [](const auto& one) { return test_name(one.param.name); });
INSTANTIATE_TEST_SUITE_P(, MadeYouReset, testing::ValuesIn(made_resets()),
                         [](const auto& one) { return test_name(one.param.name); });

}  // namespace
}  // namespace sluice::http2::test
