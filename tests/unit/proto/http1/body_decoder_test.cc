// Bodies, fed whole, split at every position and byte by byte.
#include "proto/http1/body_decoder.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/proto/http1/feeding.h"

namespace sluice::http1 {
namespace {
using http::Fault;
using http::Parsed;
using namespace std::string_literals;

struct Decoded {
  std::string body;
  std::size_t consumed = 0;
  bool done = false;
  std::vector<std::pair<std::string, std::string>> trailers;
  friend bool operator==(const Decoded&, const Decoded&) = default;
};

Parsed<Decoded> decode(const std::vector<std::string>& pieces, const Framing& framing, const BodyLimits& limits) {
  BodyDecoder decoder(framing, limits);
  Decoded decoded;
  for (std::string_view piece : pieces) {
    while (!piece.empty() && !decoded.done) {
      const Parsed<BodyDecoder::Step> step = decoder.decode(piece);
      if (!step) return http::fault(step.error());
      EXPECT_TRUE(step->consumed > 0 || step->done) << "no progress";
      decoded.body += step->data;
      decoded.consumed += step->consumed;
      decoded.done = step->done;
      piece.remove_prefix(step->consumed);
    }
  }
  if (const Parsed<> finished = decoder.finish(); !finished) return http::fault(finished.error());
  decoded.done = decoder.done();
  for (const http::Field field : decoder.trailers()) decoded.trailers.emplace_back(field.name, field.value);
  EXPECT_EQ(decoder.total(), decoded.body.size());
  return decoded;
}

Parsed<Decoded> decode_every_way(const std::string& bytes, const Framing& framing, const BodyLimits& limits = {}) {
  Parsed<Decoded> whole = decode({bytes}, framing, limits);
  for (std::size_t at = 1; at < bytes.size(); ++at)
    EXPECT_EQ(whole, decode({bytes.substr(0, at), bytes.substr(at)}, framing, limits)) << "split at " << at << ":\n"
                                                                                       << bytes;
  std::vector<std::string> single;
  for (const char c : bytes) single.emplace_back(1, c);
  EXPECT_EQ(whole, decode(single, framing, limits)) << "byte by byte:\n" << bytes;
  return whole;
}

Parsed<Decoded> decode_chunked(const std::string& bytes, const BodyLimits& limits = {}) {
  return decode_every_way(bytes, Framing::chunked(), limits);
}

TEST(Http1Body, TakesExactlyTheLength) {
  const Parsed<Decoded> decoded = decode_every_way("helloNEXT", Framing::of_length(5));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->body, "hello");
  EXPECT_EQ(decoded->consumed, 5U);
  EXPECT_TRUE(decoded->done);
}

TEST(Http1Body, TakesEverythingUntilTheClose) {
  const Parsed<Decoded> decoded = decode_every_way("all of it", Framing::until_close());
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->body, "all of it");
}

TEST(Http1Body, IsDoneAtOnceWhenThereIsNone) {
  for (const Framing& framing : {Framing::none(), Framing::of_length(0)}) {
    BodyDecoder decoder(framing);
    EXPECT_TRUE(decoder.done());
    const Parsed<BodyDecoder::Step> step = decoder.decode("GET");
    ASSERT_TRUE(step);
    EXPECT_TRUE(step->done);
    EXPECT_EQ(step->consumed, 0U);
    EXPECT_TRUE(decoder.finish());
  }
}

TEST(Http1Body, DecodesChunks) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"5\r\nhello\r\n0\r\n\r\n", "hello"},
      {"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world"},
      {"0\r\n\r\n", ""},
      {"00000000000000000000a\r\n0123456789\r\n000\r\n\r\n", "0123456789"},
      {"a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789"},
      {"2\r\n\r\n\r\n0\r\n\r\n", "\r\n"},
      {"3\r\n0\r\n\r\n0\r\n\r\n", "0\r\n"},
      {"1;a=b\r\nx\r\n0;last\r\n\r\n", "x"},
      {"1; a = \"q;\\\"uo\xff\" ;b\r\nx\r\n0\r\n\r\n", "x"},
  };
  for (const auto& [bytes, body] : cases) {
    const Parsed<Decoded> decoded = decode_chunked(bytes);
    ASSERT_TRUE(decoded) << bytes;
    EXPECT_EQ(decoded->body, body);
    EXPECT_TRUE(decoded->done);
    EXPECT_EQ(decoded->consumed, bytes.size());
    EXPECT_EQ(decode_chunked(bytes + "GET / HTTP/1.1\r\n")->consumed, bytes.size()) << "leaves the next request";
  }
}

TEST(Http1Body, RefusesWhatAnotherReaderMightTakeForAChunk) {
  struct Case {
    std::string bytes;
    Fault fault;
  };
  const std::vector<Case> cases = {
      {"\r\n", Fault::kBadChunkSize},
      {" 5\r\nhello\r\n", Fault::kBadChunkSize},
      {"5 \r\nhello\r\n", Fault::kBadChunkSize},
      {"5\t\r\nhello\r\n", Fault::kBadChunkSize},
      {"5 ;a\r\nhello\r\n", Fault::kBadChunkSize},
      {"+5\r\nhello\r\n", Fault::kBadChunkSize},
      {"-1\r\nhello\r\n", Fault::kBadChunkSize},
      {"0x5\r\nhello\r\n", Fault::kBadChunkSize},
      {"5h\r\nhello\r\n", Fault::kBadChunkSize},
      {"g\r\n", Fault::kBadChunkSize},
      {";a\r\n", Fault::kBadChunkSize},
      {"5,\r\nhello\r\n", Fault::kBadChunkSize},
      {"\xef\xbc\x95\r\nhello\r\n", Fault::kBadChunkSize},  // a full-width five
      {"5\0\r\nhello\r\n"s, Fault::kBadChunkSize},
      {"5\nhello\r\n", Fault::kBareLf},
      {"5\rhello\r\n", Fault::kBareCr},
      {"5\r\r\nhello\r\n", Fault::kBareCr},
      {"5;a\nhello\r\n", Fault::kBareLf},
      {"5;a\rhello\r\n", Fault::kBareCr},
      {"5;\"a\r\nhello\r\n", Fault::kBadChunkExtension},
      {"5;a=\"\n\"\r\nhello\r\n", Fault::kBareLf},
      {"5;a\0\r\nhello\r\n"s, Fault::kBadChunkExtension},
      {"5;a\x7f\r\nhello\r\n", Fault::kBadChunkExtension},
      {"5;a,b\r\nhello\r\n", Fault::kBadChunkExtension},
      {"5\r\nhelloX0\r\n\r\n", Fault::kBadChunkEnd},
      {"5\r\nhello\n0\r\n\r\n", Fault::kBadChunkEnd},
      {"5\r\nhello\rX", Fault::kBadChunkEnd},
      {"5\r\nhello0\r\n\r\n", Fault::kBadChunkEnd},
      {"5\r\nhello\r\n\r\n", Fault::kBadChunkSize},
      {"8000000000000000\r\nhello", Fault::kChunkTooLarge},
      {"ffffffffffffffff\r\nhello", Fault::kChunkTooLarge},
      {"10000000000000005\r\nhello\r\n", Fault::kChunkTooLarge},
      {"fffffffffffffffff5\r\nhello\r\n", Fault::kChunkTooLarge},
      {"0\r\n\n", Fault::kBareLf},
      {"0\r\nX: y\n\r\n", Fault::kBareLf},
      {"0\r\nX: y\r\n z\r\n\r\n", Fault::kBadTrailer},
      {"0\r\nX : y\r\n\r\n", Fault::kBadTrailer},
      {"0\r\nno colon\r\n\r\n", Fault::kBadTrailer},
      {"0\r\n: y\r\n\r\n", Fault::kBadTrailer},
      {"0\r\nX: a\rb\r\n\r\n", Fault::kBareCr},
      {"0\r\nX: a\0b\r\n\r\n"s, Fault::kControlByte},
  };
  for (const Case& one : cases) EXPECT_EQ(decode_chunked(one.bytes), http::fault(one.fault)) << one.bytes;
}

TEST(Http1Body, TakesTheLargestChunkSizeWithoutOverflow) {
  BodyDecoder decoder(Framing::chunked());
  const Parsed<BodyDecoder::Step> step = decoder.decode("7fffffffffffffff\r\nx");
  ASSERT_TRUE(step);
  EXPECT_EQ(step->data, "x");
  EXPECT_EQ(decoder.remaining(), static_cast<std::uint64_t>(INT64_MAX) - 1);
}

TEST(Http1Body, RefusesABodyCutShort) {
  for (const std::string bytes : {"", "5", "5\r", "5\r\n", "5\r\nhell", "5\r\nhello", "5\r\nhello\r", "5\r\nhello\r\n",
                                  "5\r\nhello\r\n0", "0\r\n", "0\r\n\r", "0\r\nX: y\r\n"})
    EXPECT_EQ(decode_chunked(bytes), http::fault(Fault::kBodyCutShort)) << bytes;
  EXPECT_EQ(decode_every_way("hell", Framing::of_length(5)), http::fault(Fault::kBodyCutShort));
  EXPECT_EQ(decode_every_way("", Framing::of_length(5)), http::fault(Fault::kBodyCutShort));
}

TEST(Http1Body, StaysBrokenAfterAFault) {
  BodyDecoder decoder(Framing::chunked());
  EXPECT_FALSE(decoder.decode("x"));
  EXPECT_FALSE(decoder.decode("0\r\n\r\n"));
  EXPECT_FALSE(decoder.finish());
  EXPECT_FALSE(decoder.done());
  decoder.start(Framing::chunked());
  EXPECT_TRUE(decoder.decode("0\r\n\r\n")->done);
}

TEST(Http1Body, KeepsTrailersAndDropsThoseThatMayNotBe) {
  const Parsed<Decoded> decoded = decode_chunked(
      "0\r\nExpires: never\r\nContent-Length: 5\r\nX-Checksum: abc\r\nHost: evil\r\nTransfer-Encoding: chunked\r\n"
      "Authorization: Basic x\r\nset-cookie: a=b\r\nX-Forwarded-For: 10.0.0.1\r\nConnection: close\r\n\r\nGET");
  ASSERT_TRUE(decoded);
  const std::vector<std::pair<std::string, std::string>> expected = {{"Expires", "never"}, {"X-Checksum", "abc"}};
  EXPECT_EQ(decoded->trailers, expected);
}

TEST(Http1Body, SaysWhetherThereAreTrailers) {
  BodyDecoder decoder(Framing::chunked());
  ASSERT_TRUE(decoder.decode("0\r\nX: y\r\n\r\n")->done);
  ASSERT_NE(decoder.trailers_or_null(), nullptr);
  EXPECT_EQ(decoder.trailers().find("x"), "y");
  decoder.start(Framing::chunked());
  ASSERT_TRUE(decoder.decode("0\r\nHost: dropped\r\n\r\n")->done);
  EXPECT_EQ(decoder.trailers_or_null(), nullptr);
  decoder.start(Framing::chunked());
  ASSERT_TRUE(decoder.decode("0\r\n\r\n")->done);
  EXPECT_EQ(decoder.trailers_or_null(), nullptr);
  EXPECT_TRUE(decoder.trailers().empty());
}

TEST(Http1Body, BoundsExtensionsOverAllChunks) {
  const std::string bytes = "1;abc\r\nx\r\n1;abc\r\nx\r\n0\r\n\r\n";  // 2 * (";abc" and the CR)
  EXPECT_TRUE(decode_chunked(bytes, {.chunk_extensions = 10}));
  EXPECT_EQ(decode_chunked(bytes, {.chunk_extensions = 9}), http::fault(Fault::kChunkExtensionsTooLong));
}

TEST(Http1Body, BoundsTrailers) {
  const std::string bytes = "0\r\nA: b\r\nC: d\r\n\r\n";  // 14 bytes of trailers
  EXPECT_TRUE(decode_chunked(bytes, {.trailers = 14}));
  EXPECT_EQ(decode_chunked(bytes, {.trailers = 13}), http::fault(Fault::kTrailersTooLarge));
  EXPECT_TRUE(decode_chunked(bytes, {.trailer_fields = 2}));
  EXPECT_EQ(decode_chunked(bytes, {.trailer_fields = 1}), http::fault(Fault::kTrailersTooLarge));
}

TEST(Http1Body, BoundsTheBody) {
  EXPECT_TRUE(decode_every_way("hello", Framing::of_length(5), {.body = 5}));
  EXPECT_EQ(decode_every_way("hello", Framing::of_length(5), {.body = 4}), http::fault(Fault::kBodyTooLarge));
  EXPECT_TRUE(decode_every_way("hello", Framing::until_close(), {.body = 5}));
  EXPECT_EQ(decode_every_way("hello", Framing::until_close(), {.body = 4}), http::fault(Fault::kBodyTooLarge));
  EXPECT_TRUE(decode_chunked("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", {.body = 5}));
  EXPECT_EQ(decode_chunked("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", {.body = 4}), http::fault(Fault::kBodyTooLarge));
}

TEST(Http1Body, GivesABodyOfOneChunkInOneStep) {
  constexpr std::string_view kBytes = "5\r\nhello\r\n0\r\n\r\n";
  BodyDecoder decoder(Framing::chunked());
  const Parsed<BodyDecoder::Step> step = decoder.decode(kBytes);
  ASSERT_TRUE(step);
  EXPECT_EQ(step->data, "hello");
  EXPECT_EQ(step->data.data(), kBytes.data() + 3) << "a view, not a copy";
  EXPECT_TRUE(step->done);
  EXPECT_EQ(step->consumed, kBytes.size());
}

TEST(Http1Body, CountsBytesThatWentByAnotherWay) {
  BodyDecoder decoder(Framing::of_length(100));
  EXPECT_EQ(decoder.decode("0123456789")->data.size(), 10U);
  EXPECT_EQ(decoder.remaining(), 90U);
  EXPECT_TRUE(decoder.passed(89));
  EXPECT_FALSE(decoder.done());
  EXPECT_TRUE(decoder.passed(1));
  EXPECT_TRUE(decoder.done());
  EXPECT_EQ(decoder.total(), 100U);

  decoder.start(Framing::chunked());
  ASSERT_TRUE(decoder.decode("a\r\n"));
  EXPECT_EQ(decoder.remaining(), 10U);
  EXPECT_TRUE(decoder.passed(10));
  EXPECT_EQ(decoder.remaining(), 0U);
  EXPECT_TRUE(decoder.decode("\r\n0\r\n\r\n")->done);

  decoder.start(Framing::until_close(), {.body = 5});
  EXPECT_EQ(decoder.passed(6), http::fault(Fault::kBodyTooLarge));
}

}  // namespace
}  // namespace sluice::http1
