#include "supervisor/log_sink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

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
    pipe_ = std::make_unique<LogPipe>(loop_, *sink_, std::move(ends.read_end), LogStamp("acme", 0, 5));
  }
  ~LogSinkTest() override { std::filesystem::remove(file_); }

  void say(std::string_view text) const { ASSERT_EQ(sys::write(write_end_.get(), text).bytes, text.size()); }
  [[nodiscard]] std::vector<json> lines() const {
    std::ifstream in(file_);
    std::vector<json> out;
    for (std::string line; std::getline(in, line);) out.push_back(json::parse(line));
    return out;
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

TEST(LogSink, SaysWhichFileItCannotOpen) {
  const auto sink = LogSink::open("/nonexistent/folder/log", LogSink::Format::kJson);
  ASSERT_FALSE(sink);
  EXPECT_THAT(sink.error().message(), testing::HasSubstr("/nonexistent/folder/log"));
}

}  // namespace
}  // namespace sluice::supervisor
