#include "base/log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/sys.h"

namespace sluice {
namespace {
using nlohmann::json;
using testing::HasSubstr;

class Lines final : public LogOutput {
 public:
  bool write(std::string_view line) override {
    if (refuse) return false;
    EXPECT_TRUE(line.ends_with('\n'));
    EXPECT_EQ(line.find('\n'), line.size() - 1) << "one line is one line";
    lines.emplace_back(line);
    return true;
  }
  [[nodiscard]] json last() const { return json::parse(lines.back()); }
  std::vector<std::string> lines;
  bool refuse = false;
};

std::string escaped(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

TEST(JsonText, EscapesWhatJsonMustEscape) {
  EXPECT_EQ(escaped("plain"), R"("plain")");
  EXPECT_EQ(escaped("a\"b\\c\n\r\t"), R"("a\"b\\c\n\r\t")");
  EXPECT_EQ(escaped(std::string_view("\0\x1f\x7f", 3)), R"("\u0000\u001f\u007f")");
}

TEST(JsonText, KeepsUtf8AndReplacesWhatIsNot) {
  EXPECT_EQ(escaped("grüße €"), "\"grüße €\"");
  EXPECT_EQ(escaped("\xf0\x9f\x9a\xb0"), "\"\xf0\x9f\x9a\xb0\"");
  EXPECT_EQ(escaped("a\xff"
                    "b"),
            "\"a\xef\xbf\xbd"
            "b\"");
  EXPECT_EQ(escaped("\xc0\xaf"), "\"\xef\xbf\xbd\xef\xbf\xbd\"") << "overlong";
  EXPECT_EQ(escaped("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"") << "surrogate";
  EXPECT_EQ(escaped("\xe2\x82"), "\"\xef\xbf\xbd\xef\xbf\xbd\"") << "cut short";
}

TEST(JsonText, LeavesNoControlCharacterForATerminal) {
  EXPECT_EQ(escaped("\x1b[2J"), R"("\u001b[2J")");
  EXPECT_EQ(escaped("\xc2\x9b"
                    "2J"),
            R"("\u009b2J")")
      << "C1 CSI";
}

TEST(JsonText, AnyTwoBytesMakeValidJson) {
  for (int a = 0; a < 256; ++a)
    for (int b = 0; b < 256; ++b) {
      const std::string text = {'x', static_cast<char>(a), static_cast<char>(b)};
      ASSERT_TRUE(json::accept(escaped(text))) << a << ' ' << b;
    }
}

TEST(Log, WritesTimeLevelEventAndMembers) {
  Lines out;
  Log log(out, LogLevel::kInfo);
  log.info("worker ready", {{"tenant", "acme"},
                            {"pid", 7},
                            {"bytes", std::uint64_t{18446744073709551615U}},
                            {"less", -1},
                            {"on", true},
                            {"seconds", 1.5}});
  const json line = out.last();
  EXPECT_EQ(line["level"], "info");
  EXPECT_EQ(line["event"], "worker ready");
  EXPECT_EQ(line["tenant"], "acme");
  EXPECT_EQ(line["pid"], 7);
  EXPECT_EQ(line["bytes"], 18446744073709551615U);
  EXPECT_EQ(line["less"], -1);
  EXPECT_EQ(line["on"], true);
  EXPECT_EQ(line["seconds"], 1.5);
  EXPECT_TRUE(out.lines.back().starts_with("{\"time\":\"20"));
}

TEST(Log, KeepsToItsLevelWhichCanChange) {
  Lines out;
  Log log(out, LogLevel::kWarn);
  log.info("quiet");
  EXPECT_TRUE(out.lines.empty());
  log.set_level(LogLevel::kDebug);
  log.debug("loud");
  EXPECT_EQ(out.lines.size(), 1U);
  EXPECT_EQ(parse_log_level("warn"), LogLevel::kWarn);
  EXPECT_EQ(parse_log_level("Warn"), std::nullopt);
}

TEST(Log, WritesTimeInUtcWithMicroseconds) {
  using namespace std::chrono;
  EXPECT_EQ(log_time(system_clock::time_point(microseconds(1'769'853'600'000'007))), "2026-01-31T10:00:00.000007Z");
  EXPECT_EQ(log_time(system_clock::time_point{}), "1970-01-01T00:00:00.000000Z");
}

TEST(Log, CapsAFloodOfOneEventAndSaysHowMany) {
  Lines out;
  std::uint64_t written = 0;
  std::uint64_t suppressed = 0;
  {
    Log log(out, LogLevel::kInfo);
    for (int i = 0; i < 5000; ++i) log.info("flood", {{"n", i}});
    log.info("other");
  }
  bool other = false;
  for (const std::string& text : out.lines) {
    const json line = json::parse(text);
    if (line["event"] == "flood") ++written;
    if (line["event"] == "other") other = true;
    if (line["event"] == "log suppressed") {
      EXPECT_EQ(line["of"], "flood");
      suppressed += line["lines"].get<std::uint64_t>();
    }
  }
  EXPECT_TRUE(other) << "one event's flood does not silence another";
  EXPECT_EQ(written + suppressed, 5000U);
  EXPECT_LE(written, 3 * Log::kLinesPerSecond);
}

TEST(Log, RecordsAreNotCapped) {
  Lines out;
  Log log(out, LogLevel::kError);
  for (int i = 0; i < 500; ++i) log.record(Log::begin(LogLevel::kInfo, "access"));
  EXPECT_EQ(out.lines.size(), 500U);
}

TEST(Log, LeavesOutMembersThatDoNotFit) {
  Lines out;
  Log log(out, LogLevel::kInfo);
  log.info("long", {{"huge", std::string(20'000, 'x')}, {"small", 1}});
  EXPECT_LE(out.lines.back().size(), Log::kMaxLine);
  EXPECT_EQ(out.last()["small"], 1);
  EXPECT_FALSE(out.last().contains("huge"));
}

TEST(Log, CountsWhatTheOutputCouldNotTake) {
  Lines out;
  Log log(out, LogLevel::kInfo);
  out.refuse = true;
  log.info("one");
  log.info("two");
  EXPECT_EQ(log.lost(), 2U);
  out.refuse = false;
  log.flush();
  EXPECT_EQ(out.last()["event"], "log lost");
  EXPECT_EQ(out.last()["lines"], 2);
}

TEST(FdLogOutput, NeverWaitsAndNeverTearsALine) {
  for (const bool blocking : {false, true}) {
    Result<sys::Pipe> pipe = sys::pipe();
    ASSERT_TRUE(pipe);
    if (blocking) ASSERT_EQ(::fcntl(pipe->write_end.get(), F_SETFL, 0), 0);
    FdLogOutput out(pipe->write_end.get());
    std::uint64_t lost = 0;
    std::string received;
    std::vector<char> block(4096);
    const auto read_some = [&] {
      const sys::Io io = sys::read(pipe->read_end.get(), block);
      if (io.done()) received.append(block.data(), io.bytes);
      return io.done();
    };
    for (int i = 0; i < 400; ++i) {
      if (!out.write(std::string(5000, static_cast<char>('a' + i % 26)) + "\n")) ++lost;
      if (i % 3 == 0) read_some();
    }
    while (read_some()) {}
    out.write("end\n");
    while (read_some()) {}
    EXPECT_GT(lost, 0U);
    ASSERT_TRUE(received.ends_with("end\n"));
    std::size_t lines = 0;
    for (std::size_t at = 0; at < received.size(); ++lines) {
      const std::size_t end = received.find('\n', at);
      const std::string line = received.substr(at, end - at);
      EXPECT_TRUE(line == "end" || line == std::string(5000, line.front()));
      at = end + 1;
    }
    EXPECT_EQ(lines, 400 - lost + 1);
  }
}

}  // namespace
}  // namespace sluice
