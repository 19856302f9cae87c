#include "proto/http2/frame_watch.h"

#include "tests/unit/proto/http2/frames.h"

namespace sluice::http2::test {
namespace {

TEST(FrameWatch, KnowsWhetherABlockOfFieldsIsUnderWay) {
  FloodGuard guard(Nanos(0));
  FrameWatch watch({});
  const auto pass = [&](std::string_view bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i)
      EXPECT_EQ(watch.pass(bytes.substr(i, 1), guard, Nanos(0)), std::nullopt);
  };
  pass(hello());
  EXPECT_FALSE(watch.in_block());
  pass(headers(1, get(), kEndStream));
  EXPECT_TRUE(watch.in_block());
  pass(frame(kContinuation, 0, 1, "x"));
  EXPECT_TRUE(watch.in_block());
  pass(frame(kContinuation, kEndHeaders, 1, "x"));
  EXPECT_FALSE(watch.in_block());
}

TEST(FrameWatch, TakesABlockToLastUntilTheLastByteOfItsLastFrame) {
  FloodGuard guard(Nanos(0));
  FrameWatch watch({});
  const std::string whole = hello() + headers(1, get());
  EXPECT_EQ(watch.pass(std::string_view(whole).substr(0, whole.size() - 1), guard, Nanos(0)), std::nullopt);
  EXPECT_TRUE(watch.in_block());
  EXPECT_EQ(watch.pass(std::string_view(whole).substr(whole.size() - 1), guard, Nanos(0)), std::nullopt);
  EXPECT_FALSE(watch.in_block());
}

TEST(FrameWatch, LooksForHeadersOfFramesNowhereElse) {
  FloodGuard guard(Nanos(0));
  FrameWatch watch({});
  std::string bytes = hello();
  // payloads full of what would be frames
  for (int i = 0; i < 1000; ++i) bytes += data(1, reset(1) + ping() + settings());
  EXPECT_EQ(watch.pass(bytes, guard, Nanos(0)), std::nullopt);
}

TEST(FrameWatch, TakesPaddedDataForWhatItHolds) {
  FloodGuard guard(Nanos(0));
  FrameWatch watch({});
  EXPECT_EQ(watch.pass(hello(), guard, Nanos(0)), std::nullopt);
  // a byte of data each, however much padding; and an end, which may be empty
  const std::string full = frame(kData, kPadded, 1, std::string(1, '\x02') + "x" + std::string(2, '\0'));
  const std::string end = frame(kData, kPadded | kEndStream, 1, std::string(1, '\0'));
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(watch.pass(full + end, guard, Nanos(0)), std::nullopt);
}

TEST(Preface, IsKnownByItsFirstBytes) {
  for (std::size_t i = 0; i < kPreface.size(); ++i)
    EXPECT_EQ(match_preface(kPreface.substr(0, i)), Preface::kPerhaps) << i;
  EXPECT_EQ(match_preface(kPreface), Preface::kYes);
  EXPECT_EQ(match_preface(std::string(kPreface) + "more"), Preface::kYes);
  EXPECT_EQ(match_preface("PRI * HTTP/2.1"), Preface::kNo);
  EXPECT_EQ(match_preface("POST / HTTP/1.1"), Preface::kNo);
  EXPECT_EQ(match_preface("GET"), Preface::kNo);
}

}  // namespace
}  // namespace sluice::http2::test
