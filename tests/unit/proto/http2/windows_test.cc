// Flow control (RFC 9113 section 5.2) and the order of sending (RFC 9218): who waits for whom, and that every byte of
// credit comes back, whatever became of the data.
#include <algorithm>
#include <map>

#include "tests/unit/proto/http2/frames.h"

namespace sluice::http2::test {
namespace {

constexpr std::uint32_t kWhole = 64 * 1024;

SessionLimits one_window() {
  SessionLimits limits;
  limits.stream_window = kWhole;
  limits.connection_window = kWhole;
  return limits;
}

// Sends as much as the windows of the connection and of the stream allow, as an honest client would.
class Sender {
 public:
  explicit Sender(Conversation& talk) : talk_(talk) {}
  std::size_t send(std::uint32_t stream, std::size_t bytes, std::size_t padding = 0) {
    std::size_t sent = 0;
    look();
    while (sent < bytes) {
      const std::size_t size = std::min<std::size_t>(bytes - sent, 8000);
      const std::size_t whole = padding == 0 ? size : size + padding + 1;
      if (whole > connection_ || whole > streams_.try_emplace(stream, kWhole).first->second) break;
      const std::string payload(size, 'x');
      talk_.say(padding == 0
                    ? data(stream, payload)
                    : frame(kData, kPadded, stream,
                            std::string(1, static_cast<char>(padding)) + payload + std::string(padding, '\0')));
      connection_ -= whole;
      streams_[stream] -= whole;
      sent += size;
      look();
    }
    return sent;
  }

 private:
  void look() {
    for (const Frame& one : talk_.hear()) {
      if (one.type != kWindow) continue;
      if (one.stream == 0) {
        connection_ += one.number(0);
      } else {
        streams_.try_emplace(one.stream, kWhole).first->second += one.number(0);
      }
    }
  }
  Conversation& talk_;
  std::size_t connection_ = 65'535;
  std::map<std::uint32_t, std::size_t> streams_;
};

TEST(Http2Windows, LetABodyWaitUpToTheWindowAndNoFurther) {
  Conversation talk(one_window());
  talk.say(hello() + headers(1, post(), kEndHeaders));
  Sender sender(talk);
  const std::size_t sent = sender.send(1, 1'000'000);
  EXPECT_LE(sent, kWhole);
  EXPECT_GT(sent, kWhole - 8000 - 1);
  EXPECT_EQ(sender.send(1, 8000), 0U);
}

TEST(Http2Windows, ComeBackWhenTheBodyIsRead) {
  Conversation talk(one_window());
  talk.say(hello() + headers(1, post(), kEndHeaders));
  Sender sender(talk);
  std::size_t sent = 0;
  for (int i = 0; i < 1000 && sent < 1'000'000; ++i) {
    sent += sender.send(1, 1'000'000 - sent);
    static_cast<void>(talk.find(1)->take_body());
    talk.find(1)->release_body();
  }
  EXPECT_EQ(sent, 1'000'000U);
}

TEST(Http2Windows, ComeBackForABodyThatIsReadWhileOthersWait) {
  SessionLimits limits;
  limits.stream_window = kWhole;
  limits.connection_window = 4 * kWhole;
  Conversation talk(limits);
  talk.say(hello());
  Sender sender(talk);
  for (const std::uint32_t id : {1, 3, 5}) {
    talk.say(headers(id, post(), kEndHeaders));
    EXPECT_GE(sender.send(id, kWhole - 8000), kWhole - 8000) << id;
  }
  talk.say(headers(7, post(), kEndHeaders));
  std::size_t sent = 0;
  for (int i = 0; i < 1000 && sent < 1'000'000; ++i) {
    sent += sender.send(7, 1'000'000 - sent);
    static_cast<void>(talk.find(7)->take_body());
    talk.find(7)->release_body();
  }
  EXPECT_EQ(sent, 1'000'000U);
}

TEST(Http2Windows, EndAConnectionThatIgnoresThem) {
  Conversation talk(one_window());
  talk.say(hello() + headers(1, post(), kEndHeaders));
  talk.hear();
  for (int i = 0; i < 20; ++i) talk.say(data(1, std::string(8000, 'x')));
  EXPECT_TRUE(talk.goaway() == ErrorCode::kFlowControlError || talk.reset_of(1) == ErrorCode::kFlowControlError);
}

// Each of these would stop the connection for good once 64 KiB had gone that way.
TEST(Http2Windows, ComeBackForPadding) {
  Conversation talk(one_window());
  talk.say(hello() + headers(1, post(), kEndHeaders));
  Sender sender(talk);
  std::size_t sent = 0;
  for (int i = 0; i < 2000 && sent < 100'000; ++i) {
    sent += sender.send(1, 100, 255);
    static_cast<void>(talk.find(1)->take_body());
    talk.find(1)->release_body();
  }
  EXPECT_GE(sent, 100'000U);
}

TEST(Http2Windows, ComeBackForStreamsThatWereReset) {
  Conversation talk(one_window());
  talk.say(hello());
  Sender sender(talk);
  for (std::uint32_t id = 1; id < 61; id += 2) {
    talk.say(headers(id, post(), kEndHeaders));
    ASSERT_EQ(sender.send(id, 30'000), 30'000U) << "stream " << id;
    talk.say(reset(id));
  }
}

TEST(Http2Windows, ComeBackForBodiesThatNobodyReads) {
  Conversation talk(one_window());
  talk.say(hello());
  Sender sender(talk);
  for (std::uint32_t id = 1; id < 61; id += 2) {
    talk.say(headers(id, post(), kEndHeaders));
    ASSERT_EQ(sender.send(id, 30'000), 30'000U) << "stream " << id;
    Stream* const stream = talk.find(static_cast<std::int32_t>(id));
    http::ResponseHead head;
    head.set_status(403);
    talk.session.answer(*stream, head, Last::kYes);
    talk.hear();
    std::erase(talk.arrived, stream);
    talk.session.drop(*stream, ErrorCode::kInternalError);
  }
}

TEST(Http2Windows, ComeBackForDataBehindAReset) {
  Conversation talk(one_window());
  talk.say(hello());
  Sender sender(talk);
  for (std::uint32_t id = 1; id < 61; id += 2) {
    talk.say(headers(id, post(), kEndHeaders));
    Stream* const stream = talk.find(static_cast<std::int32_t>(id));
    std::erase(talk.arrived, stream);
    talk.session.drop(*stream, ErrorCode::kCancel);
    ASSERT_EQ(sender.send(id, 30'000), 30'000U) << "stream " << id;
  }
}

std::map<std::uint32_t, std::size_t> sent_by_stream(const std::vector<Frame>& frames) {
  std::map<std::uint32_t, std::size_t> sent;
  for (const Frame& one : frames)
    if (one.type == kData) sent[one.stream] += one.payload.size();
  return sent;
}

// Answers of 30 kB each, offered while the client's window for the connection lets nothing more through; then credit.
struct Race {
  Conversation talk;
  std::string body = std::string(30'000, 'x');

  explicit Race(const std::vector<Lines>& requests, std::string_view before = {}) {
    talk.say(hello() + settings({{4, 1U << 20U}}) + std::string(before));
    std::uint32_t id = 1;
    for (const Lines& lines : requests) {
      talk.say(headers(id, lines));
      id += 2;
    }
    for (Stream* const stream : talk.arrived) {
      http::ResponseHead head;
      head.set_status(200);
      talk.session.answer(*stream, head, Last::kNo);
      talk.session.offer(*stream, body, Last::kNo, nullptr);
    }
  }
};

TEST(Http2Order, SharesTheConnectionBetweenThoseWhoSayNothing) {
  Race race({get(), get(), get(), get()});
  const auto sent = sent_by_stream(race.talk.hear());
  ASSERT_EQ(sent.size(), 4U) << "somebody starved";
  for (const auto& [id, bytes] : sent) EXPECT_GT(bytes, 1000U) << id;
}

TEST(Http2Order, ServesTheUrgentFirst) {
  Race race(
      {with(get(), {{"priority", "u=7"}}), with(get(), {{"priority", "u=0"}}), with(get(), {{"priority", "u=5"}})});
  const auto sent = sent_by_stream(race.talk.hear());
  EXPECT_EQ(sent.at(3), race.body.size());
  EXPECT_EQ(sent.at(5), race.body.size());
  EXPECT_LT(sent.contains(1) ? sent.at(1) : 0, race.body.size());
}

TEST(Http2Order, ServesOneAfterTheOtherWhoAsksForThat) {
  Race race(
      {with(get(), {{"priority", "u=3"}}), with(get(), {{"priority", "u=3"}}), with(get(), {{"priority", "u=3"}})});
  const auto sent = sent_by_stream(race.talk.hear());
  EXPECT_EQ(sent.at(1), race.body.size());
  EXPECT_EQ(sent.at(3), race.body.size());
}

TEST(Http2Order, ListensToPriorityUpdates) {
  Race race(
      {with(get(), {{"priority", "u=3"}}), with(get(), {{"priority", "u=3"}}), with(get(), {{"priority", "u=3"}})});
  race.talk.say(frame(kPriorityUpdate, 0, 0, u32(1) + "u=6"));
  const auto sent = sent_by_stream(race.talk.hear());
  EXPECT_EQ(sent.at(3), race.body.size());
  EXPECT_EQ(sent.at(5), race.body.size());
  EXPECT_LT(sent.contains(1) ? sent.at(1) : 0, race.body.size());
}

TEST(Http2Order, ListensToPriorityUpdatesThatAreThereFirst) {
  Race race({get(), get(), get()},
            frame(kPriorityUpdate, 0, 0, u32(3) + "u=6") + frame(kPriorityUpdate, 0, 0, u32(7) + "u=0"));
  const auto sent = sent_by_stream(race.talk.hear());
  EXPECT_EQ(sent.at(1), race.body.size());
  EXPECT_EQ(sent.at(5), race.body.size());
  EXPECT_LT(sent.contains(3) ? sent.at(3) : 0, race.body.size());
}

TEST(Http2Order, HoldsUpNobodyForAStreamWithoutAWindow) {
  Conversation talk;
  talk.say(hello() + settings({{4, 10}}) + headers(1, get()) + headers(3, get()));
  const std::string body(1000, 'x');
  for (Stream* const stream : talk.arrived) {
    http::ResponseHead head;
    head.set_status(200);
    talk.session.answer(*stream, head, Last::kNo);
    talk.session.offer(*stream, body, Last::kNo, nullptr);
  }
  talk.say(window(3, 5000));
  const auto sent = sent_by_stream(talk.hear());
  EXPECT_EQ(sent.at(1), 10U);
  EXPECT_EQ(sent.at(3), body.size());
  EXPECT_FALSE(talk.session.window_open(*talk.find(1)));
  EXPECT_TRUE(talk.session.window_open(*talk.find(3)));
}

}  // namespace
}  // namespace sluice::http2::test
