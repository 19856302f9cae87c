#include "supervisor/log_sink.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/scope.h"
#include "base/sys.h"

namespace sluice::supervisor {
namespace {
using nlohmann::json;

class LogSinkTest : public testing::Test {
 protected:
  LogSinkTest() : file_(testing::TempDir() + "log_sink_test." + std::to_string(::getpid())) {
    std::filesystem::remove(file_);
    sink_ = LogSink::open(file_, LogSink::Format::kAuto).value();
    sys::Pipe ends = sys::pipe().value();
    write_end_ = std::move(ends.write_end);
    pipe_ = std::make_unique<LogPipe>(loop_, *sink_, sink_->budget("acme", 0), std::move(ends.read_end),
                                      LogStamp("acme", 0, 5));
  }
  ~LogSinkTest() override { std::filesystem::remove(file_); }

  void say(std::string_view text) const { ASSERT_EQ(sys::write(write_end_.get(), text).bytes, text.size()); }
  [[nodiscard]] std::vector<json> lines() const {
    std::ifstream in(file_);
    std::vector<json> out;
    for (std::string line; std::getline(in, line);) out.push_back(json::parse(line));
    return out;
  }

  [[nodiscard]] std::ptrdiff_t count(std::string_view event) const {
    return std::ranges::count_if(lines(), [&](const json& line) { return line["event"] == event; });
  }

  std::string file_;
  Loop loop_;
  std::unique_ptr<LogSink> sink_;
  Fd write_end_;
  std::unique_ptr<LogPipe> pipe_;
};

TEST_F(LogSinkTest, FramesLinesHoweverTheyArrive) {
  Scope scope;
  scope.spawn([this] { return pipe_->run(); });
  scope.spawn([this]() -> Task<> {
    const std::string_view text = "{\"event\":\"one\"}\nnot json\n{\"event\":\"three\"}";
    for (const char& c : text) {
      say({&c, 1});
      co_await loop_.yield();
    }
    write_end_.reset();
    co_await loop_.sleep(Millis(20));
    loop_.stop();
  });
  loop_.run();
  const std::vector<json> out = lines();
  ASSERT_EQ(out.size(), 3U);
  EXPECT_EQ(out[0]["event"], "one");
  EXPECT_EQ(out[0]["tenant"], "acme");
  EXPECT_EQ(out[1]["text"], "not json");
  EXPECT_EQ(out[2]["event"], "three") << "the end of the stream ends the line";
}

TEST_F(LogSinkTest, CutsAnEndlessLine) {
  say(std::string(30'000, 'x'));
  pipe_->drain();
  say("yyy\n{\"event\":\"next\"}\n");
  pipe_->drain();
  const std::vector<json> out = lines();
  ASSERT_GE(out.size(), 2U);
  EXPECT_EQ(out[0]["text"].get<std::string>().size(), Log::kMaxLine);
  EXPECT_EQ(out.back()["event"], "next");
}

TEST_F(LogSinkTest, ALineThatHasGrownOnItsWayIsNoLongerThanOthers) {
  restart::SavedLogPipe saved = pipe_->save();
  for (std::size_t i = 0; i < Log::kMaxLine; ++i) saved.line += "\xef\xbf\xbd";  // what a state has for no UTF-8
  pipe_->go_on(saved);
  for (int i = 0; i < 3; ++i) {
    say(std::string(30'000, 'x'));
    pipe_->drain();
  }
  for (const json& line : lines()) EXPECT_LE(line["text"].get<std::string>().size(), std::size_t{30'000});
}

TEST_F(LogSinkTest, EmptyLinesAndEndlessOnesArePaidForToo) {
  constexpr std::uint64_t kRate = std::uint64_t{10} * 1024;
  LogBudget& budget = sink_->budget("acme", kRate);
  say(std::string(30'000, '\n'));
  pipe_->drain();
  EXPECT_TRUE(lines().empty());
  const Nanos for_empty = budget.wait(loop_.now());
  EXPECT_GT(for_empty, Nanos(0));
  say(std::string(30'000, 'x'));
  pipe_->drain();
  say(std::string(30'000, 'x'));
  pipe_->drain();
  EXPECT_GT(budget.wait(loop_.now()), for_empty);
}

TEST_F(LogSinkTest, RemembersTheLastWords) {
  for (int i = 0; i < 9; ++i)
    say("{\"level\":\"error\",\"event\":\"e" + std::to_string(i) + "\"}\n{\"level\":\"info\",\"event\":\"calm\"}\n");
  pipe_->drain();
  ASSERT_EQ(pipe_->last_words().size(), LogPipe::kLastWords);
  EXPECT_EQ(json::parse(pipe_->last_words().back())["event"], "e8");
}

TEST_F(LogSinkTest, RemembersHowALongReportBegan) {
  say("{\"level\":\"error\",\"event\":\"long ago\"}\n{\"level\":\"info\",\"event\":\"calm\"}\n");
  for (int i = 0; i < 20; ++i) say("report " + std::to_string(i) + "\n");
  pipe_->drain();
  std::vector<std::string> said;
  for (const std::string& words : pipe_->last_words()) {
    const json record = json::parse(words, nullptr, false);
    said.push_back(record.is_object() ? record["text"].get<std::string>() : words);
  }
  EXPECT_THAT(said, testing::ElementsAre("report 0", "report 1", "report 2", "… 12 lines …", "report 15", "report 16",
                                         "report 17", "report 18", "report 19"));
}

TEST_F(LogSinkTest, ReopensTheFileForRotation) {
  say("{\"event\":\"before\"}\n");
  pipe_->drain();
  const std::string rotated = file_ + ".1";
  std::filesystem::rename(file_, rotated);
  ASSERT_TRUE(sink_->reopen());
  say("{\"event\":\"after\"}\n");
  pipe_->drain();
  ASSERT_EQ(lines().size(), 1U);
  EXPECT_EQ(lines()[0]["event"], "after");
  std::filesystem::remove(rotated);
}

TEST_F(LogSinkTest, AFloodIsHeldBackAndNobodyElseIs) {
  constexpr std::uint64_t kRate = std::uint64_t{256} * 1024;
  constexpr std::uint64_t kTurn = std::uint64_t{200} * 1024;  // of lines read at once, stamped
  (void)sink_->budget("acme", kRate);
  sys::Pipe other = sys::pipe().value();
  LogPipe neighbour(loop_, *sink_, sink_->budget("neighbour", kRate), std::move(other.read_end),
                    LogStamp("neighbour", 0, 6));
  std::chrono::duration<double> took{};
  Scope scope;
  scope.spawn([this] { return pipe_->run(); });
  scope.spawn([&] { return neighbour.run(); });
  scope.spawn([&]() -> Task<> {
    const std::string line = std::string(99, 'x') + "\n";
    const Nanos start = loop_.now();
    for (bool told = false; !told && took < std::chrono::seconds(20);) {
      while (sys::write(write_end_.get(), line).bytes > 0) {}
      co_await loop_.sleep(Millis(50));
      told = count("log held back") > 0;
      took = loop_.now() - start;
    }
    loop_.stop();
  });
  scope.spawn([&]() -> Task<> {
    co_await loop_.sleep(Millis(100));
    (void)sys::write(other.write_end.get(), std::string_view("{\"event\":\"calm\"}\n"));
    co_await loop_.sleep(Millis(200));
    EXPECT_EQ(count("calm"), 1);
  });
  loop_.run();
  scope.cancel();
  EXPECT_LT(static_cast<double>(std::filesystem::file_size(file_)), kTurn + (kRate * (took.count() + 0.3)));
  const std::vector<json> out = lines();
  const auto said = std::ranges::find(out, "log held back", [](const json& line) { return line["event"]; });
  ASSERT_NE(said, out.end());
  EXPECT_EQ((*said)["tenant"], "acme");
  EXPECT_GE((*said)["milliseconds"], 1000);
}

TEST_F(LogSinkTest, NoLineOfAWorkerIsLostWhileTheOutputIsFull) {
  ASSERT_EQ(::mkfifo((file_ + ".fifo").c_str(), 0600), 0);
  const Fd reader(::open((file_ + ".fifo").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  std::unique_ptr<LogSink> full = LogSink::open(file_ + ".fifo", LogSink::Format::kJson).value();
  std::filesystem::remove(file_ + ".fifo");
  sys::Pipe ends = sys::pipe().value();
  LogPipe pipe(loop_, *full, full->budget("acme", 0), std::move(ends.read_end), LogStamp("acme", 0, 5));
  int said = 0;
  std::string read;
  Scope scope;
  scope.spawn([&] { return pipe.run(); });
  scope.spawn([&]() -> Task<> {
    for (; said < 3000; ++said)  // more than the output holds
      while (sys::write(ends.write_end.get(), "{\"event\":\"" + std::to_string(said) + "\"}\n").bytes == 0)
        co_await loop_.sleep(Millis(1));
  });
  scope.spawn([&]() -> Task<> {
    co_await loop_.sleep(Millis(100));
    std::array<char, 4096> block{};
    while (!read.contains("\"2999\"")) {
      const sys::Io io = sys::read(reader.get(), block);
      read.append(block.data(), io.bytes);
      co_await loop_.sleep(Millis(1));
    }
    loop_.stop();
  });
  loop_.run();
  scope.cancel();
  EXPECT_EQ(std::ranges::count(read, '\n'), 3000);
  EXPECT_EQ(full->lost(), 0U);
}

TEST(LogBudget, MakesWhoIsOverItWait) {
  LogBudget budget;
  budget.spend(1'000'000'000, Nanos(0));
  EXPECT_EQ(budget.wait(Nanos(0)), Nanos(0)) << "no limit";
  budget.set_rate(1000);
  budget.spend(250, Nanos(0));
  EXPECT_EQ(budget.wait(Nanos(0)), Nanos(0)) << "a burst";
  budget.spend(500, Nanos(0));
  EXPECT_EQ(budget.wait(Nanos(0)), Millis(500));
  EXPECT_EQ(budget.wait(Millis(400)), Millis(100));
  EXPECT_EQ(budget.wait(Millis(700)), Nanos(0));
  budget.spend(300, Millis(10'000));
  EXPECT_EQ(budget.wait(Millis(10'000)), Millis(50)) << "what was not used is not saved up";
}

TEST(LogSink, SaysWhichFileItCannotOpen) {
  const auto sink = LogSink::open("/nonexistent/folder/log", LogSink::Format::kJson);
  ASSERT_FALSE(sink);
  EXPECT_THAT(sink.error().message(), testing::HasSubstr("/nonexistent/folder/log"));
}

}  // namespace
}  // namespace sluice::supervisor
