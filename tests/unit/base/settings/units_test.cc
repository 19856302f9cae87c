// Sizes and durations: one obvious spelling each, and everything else refused with a reason.
#include "base/settings/units.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using namespace std::chrono_literals;

TEST(Size, ReadsAndPrintsEveryUnit) {
  EXPECT_EQ(Size::parse("0"), Size());
  EXPECT_EQ(Size::parse("512B"), Size(512));
  EXPECT_EQ(Size::parse("64KiB"), Size::kib(64));
  EXPECT_EQ(Size::parse("1MiB"), Size::mib(1));
  EXPECT_EQ(Size::parse("10GiB"), Size::gib(10));
  EXPECT_EQ(Size::parse("2TiB"), Size::gib(2048));
  for (const char* text : {"0", "512B", "1500B", "64KiB", "1MiB", "1025KiB", "10GiB", "3TiB"})
    EXPECT_EQ(Size::parse(text).value().text(), text);
}

TEST(Size, RefusesOtherSpellings) {
  for (const char* text : {"", "64", "64K", "64kib", "64 KiB", "-1B", "+1B", "1.5MiB", "KiB", "0x10B", "64KiBB",
                           "18446744073709551616B", "99999999TiB"})
    EXPECT_FALSE(Size::parse(text)) << text;
}

TEST(Size, SaysThatTheUnitIsMissing) {
  EXPECT_EQ(Size::parse("64").error().message(), "\"64\" has no unit: write a size such as 512B, 64KiB, 1MiB or 10GiB");
}

TEST(Duration, ReadsAndPrintsEveryUnit) {
  EXPECT_EQ(parse_duration("0"), 0ms);
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("30s"), 30s);
  EXPECT_EQ(parse_duration("2m"), 2min);
  EXPECT_EQ(parse_duration("1h"), 1h);
  EXPECT_EQ(parse_duration("7d"), 168h);
  for (const char* text : {"0", "1ms", "1500ms", "30s", "90s", "2m", "1h", "24h", "7d"})
    EXPECT_EQ(text_of(parse_duration(text).value()), text);
  EXPECT_EQ(text_of(60s), "1m");
}

TEST(Duration, RefusesOtherSpellings) {
  for (const char* text : {"", "30", "30sec", "1h30m", "-1s", "1.5s", "s", " 1s", "1s ", "1S", "9223372036854775808ms",
                           "99999999999999999d"})
    EXPECT_FALSE(parse_duration(text)) << text;
}

}  // namespace
}  // namespace sluice
