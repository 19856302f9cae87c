// Which records the access log takes, when the lines go out, and what happens when the pipe is full.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/frames.h"
#include "base/scope.h"
#include "base/sys.h"
#include "ipc/settings/tenant.h"
#include "worker/telemetry/access_log.h"

namespace sluice::worker {
namespace {

using nlohmann::json;

const TrafficNames kNames{.endpoints = {"web"}, .upstreams = {}};

class Counting final : public LogOutput {
 public:
  bool write(std::string_view text) override {
    ++writes;
    lines += static_cast<std::size_t>(std::ranges::count(text, '\n'));
    longest = std::max(longest, text.size());
    return true;
  }
  std::size_t writes = 0;
  std::size_t lines = 0;
  std::size_t longest = 0;
};

std::string drain(int fd) {
  std::string text;
  std::array<char, 4096> block{};
  for (;;) {
    const sys::Io io = sys::read(fd, block);
    if (!io.done() || io.bytes == 0) return text;
    text.append(block.data(), io.bytes);
  }
}

TEST(AccessLogSampling, TakesTheConfiguredShareAndAlwaysTheSameRecords) {
  Counting output;
  const AccessLog tenth(output, {.sample = 0.1}, kNames);
  const AccessLog again(output, {.sample = 0.1}, kNames);
  const AccessLog half(output, {.sample = 0.5}, kNames);
  int taken = 0;
  for (std::uint64_t connection = 1; connection <= 1000; ++connection) {
    for (std::uint64_t request = 1; request <= 20; ++request) {
      const AccessRecord record{.status = 200, .connection = connection, .request = request};
      EXPECT_EQ(tenth.wants(record), again.wants(record));
      if (!tenth.wants(record)) continue;
      ++taken;
      EXPECT_TRUE(half.wants(record)) << "a smaller sample is part of a larger one";
    }
  }
  EXPECT_NEAR(taken, 2000, 200);
}

TEST(AccessLogSampling, KeepsErrorsOnlyIfSoConfigured) {
  Counting output;
  const AccessLog with(output, {.sample = 0, .errors_always = true}, kNames);
  const AccessLog without(output, {.sample = 0, .errors_always = false}, kNames);
  for (const AccessRecord& record :
       {AccessRecord{.status = 502}, AccessRecord{.ended = Ended::kClient, .status = 200}}) {
    EXPECT_TRUE(with.wants(record));
    EXPECT_FALSE(without.wants(record));
  }
  EXPECT_FALSE(with.wants({.status = 404}));
}

TEST(AccessLogOutput, WritesNothingWhenDisabled) {
  Counting output;
  {
    AccessLog log(output, {.enabled = false}, kNames);
    log.write({.status = 502});
  }
  EXPECT_EQ(output.writes, 0U);
}

TEST(AccessLogOutput, GathersLinesAndWritesWholeOnes) {
  Counting output;
  AccessLog log(output, {}, kNames);
  while (output.writes == 0) log.write({.status = 200, .path = "/some/path"});
  EXPECT_GT(output.lines, 50U) << "a batch is 16 KiB";
  EXPECT_LE(output.writes, 6U);
  EXPECT_LE(output.longest, 4096U) << "a pipe takes no more in one piece";
  log.flush();
  EXPECT_EQ(output.lines, log.lines_written());
}

TEST(AccessLogOutput, FlushesAtTheEndOfATurn) {
  const long frames = frames::live();
  {
    Loop loop;
    Counting output;
    AccessLog log(output, {}, kNames);
    Scope scope;
    const auto requests = [&]() -> Task<> {
      for (int i = 0; i < 3; ++i) log.write({.status = 200});
      EXPECT_EQ(output.writes, 0U);
      co_await loop.sleep(Millis(5));
      EXPECT_EQ(output.writes, 1U);
      EXPECT_EQ(output.lines, 3U);
      log.write({.status = 200});
      co_await loop.sleep(Millis(5));
      EXPECT_EQ(output.writes, 2U);
      loop.stop();
    };
    scope.spawn([&] { return log.run(loop); });
    scope.spawn([&] { return requests(); });
    loop.run();
  }
  EXPECT_EQ(frames::live(), frames);
}

TEST(AccessLogOutput, DropsAndCountsWhileThePipeIsFullAndSaysItAfterwards) {
  auto pipe = sys::pipe();
  ASSERT_TRUE(pipe);
  FdLogOutput output(pipe->write_end.get());
  AccessLog log(output, {}, kNames);
  constexpr std::uint64_t kRecords = 5000;
  for (std::uint64_t i = 1; i <= kRecords; ++i) log.write({.status = 200, .request = i, .path = "/a/path"});
  log.flush();
  const std::uint64_t lost = log.lines_lost();
  EXPECT_GT(lost, 0U);

  std::string text;
  for (int i = 0; i < 10; ++i) {
    text += drain(pipe->read_end.get());
    log.flush();
  }
  std::uint64_t lines = 0;
  std::uint64_t said = 0;
  std::uint64_t last = 0;
  for (std::size_t at = 0; at < text.size(); ++lines) {
    const std::size_t end = text.find('\n', at);
    ASSERT_NE(end, std::string::npos);
    const json line = json::parse(text.substr(at, end - at), nullptr, false);
    ASSERT_FALSE(line.is_discarded()) << text.substr(at, end - at);
    if (line.at("event") == "access log lost") {
      said += line.at("lines").get<std::uint64_t>();
    } else {
      EXPECT_GT(line.at("request").get<std::uint64_t>(), last) << "in order";
      last = line.at("request");
    }
    at = end + 1;
  }
  EXPECT_EQ(said, lost);
  EXPECT_EQ(lines - 1, log.lines_written());
  EXPECT_EQ(log.lines_written() + lost, kRecords);
}

TEST(AccessLogOutput, AsksAFullPipeAgainWithoutNewLines) {
  Loop loop;
  auto pipe = sys::pipe();
  ASSERT_TRUE(pipe);
  FdLogOutput output(pipe->write_end.get());
  AccessLog log(output, {}, kNames);
  Scope scope;
  const auto play = [&]() -> Task<> {
    while (log.lines_lost() == 0) log.write({.status = 200, .path = "/a/path"});
    co_await loop.sleep(Millis(1));
    std::string text = drain(pipe->read_end.get());
    for (int i = 0; i < 100 && text.find("access log lost") == std::string::npos; ++i) {
      co_await loop.sleep(Millis(5));
      text += drain(pipe->read_end.get());
    }
    EXPECT_THAT(text, testing::HasSubstr("access log lost"));
    loop.stop();
  };
  scope.spawn([&] { return log.run(loop); });
  scope.spawn([&] { return play(); });
  loop.run();
}

}  // namespace
}  // namespace sluice::worker
