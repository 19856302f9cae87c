// Where every line of every process ends up: a file (appended to), or standard error, as JSON or for people's eyes.
//
// Workers write into pipes (one per process, so that nobody speaks for another); LogPipe frames and stamps their lines
// and the sink writes them. Reading is bounded per turn of the loop and yields to the others, a line is cut at 16 KiB,
// and nobody waits for the output: while it takes no more, or a tenant is over its budget (log_budget.h), that pipe is
// not read, and its worker drops and counts what does not fit into it. Owned by the supervisor.
#pragma once
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/fd_events.h"
#include "base/log.h"
#include "base/task.h"
#include "restart/saved_worker.h"
#include "supervisor/log_budget.h"
#include "supervisor/log_line.h"

namespace sluice::supervisor {

class LogSink final : public LogOutput {
 public:
  enum class Format : std::uint8_t { kAuto, kJson, kHuman };

  /// `file` empty: standard error. Errors: kSystem with the file's name.
  [[nodiscard]] static Result<std::unique_ptr<LogSink>> open(std::string file, Format format);

  /// Goes on where the program before this one stood: `fd` is the file's, or none; `rest` of a line is still to be
  /// written.
  [[nodiscard]] static std::unique_ptr<LogSink> go_on(std::string file, Format format, Fd fd, std::string rest);
  /// The file's descriptor, -1 for standard error; and what is left of a line. Borrowed.
  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] const std::string& rest() const { return output_->rest(); }

  /// Finished JSON lines, one or more, each with its line feed: the supervisor's own, or stamped ones.
  bool write(std::string_view lines) override;
  /// Goes on with what went out in part; true when nothing is left of it.
  bool finish() { return output_->finish(); }
  /// Opens the file again by its name, for log rotation; standard error stays as it is.
  [[nodiscard]] Result<> reopen();
  /// What all workers of a tenant share; 0: no limit. Lifetime: as long as the sink.
  [[nodiscard]] LogBudget& budget(const std::string& tenant, std::uint64_t bytes_per_second);
  /// Last lines of workers that were lost; the supervisor's own are counted by its Log.
  [[nodiscard]] std::uint64_t lost() const { return lost_; }
  void count_lost(std::uint64_t lines) { lost_ += lines; }

 private:
  explicit LogSink(std::string file) : file_(std::move(file)) {}
  void write_to_errors(Format format);
  std::string file_;
  bool human_ = false;
  Colour colour_ = Colour::kOff;
  Fd fd_;
  std::unique_ptr<FdLogOutput> output_;
  std::map<std::string, LogBudget, std::less<>> budgets_;
  std::uint64_t lost_ = 0;
};

/// The reading end of one process's log.
class LogPipe {
 public:
  static constexpr std::size_t kPerTurn = std::size_t{64} * 1024;
  static constexpr std::size_t kLastWords = 5;
  static constexpr std::size_t kFirstWords = 3;

  LogPipe(Loop& loop, LogSink& sink, LogBudget& budget, Fd read_end, LogStamp stamp);
  LogPipe(LogPipe&&) = delete;

  /// Reads until the process has closed its end.
  [[nodiscard]] Task<> run();
  /// Takes what is in the pipe now, at most 1 MiB: for the moment when the process has ended.
  void drain();
  /// What to show when the process has died: the last lines that were errors or not JSON at all. If they are the end of
  /// something longer, such as a stack trace, the lines that it began with come first, because those say what happened.
  [[nodiscard]] std::vector<std::string> last_words() const;
  /// For another program that goes on with it, and back.
  [[nodiscard]] restart::SavedLogPipe save() const;
  void go_on(const restart::SavedLogPipe& saved);

 private:
  enum class More : std::uint8_t { kYes, kNotNow, kEnd };
  More read_some();
  [[nodiscard]] Task<> pass_on();
  [[nodiscard]] std::size_t take_cost();
  void say_held_back(Nanos since);
  void take(std::string_view bytes);
  void finish_line();
  void remember(std::string_view text);
  /// In pieces, so that no line waits long for those of another; false when something is left.
  bool flush();
  void flush_or_lose();

  Loop& loop_;
  LogSink& sink_;
  LogBudget& budget_;
  Fd fd_;
  FdEvents events_;
  LogStamp stamp_;
  std::vector<char> block_;
  std::string line_;
  bool cutting_ = false;  // the line was too long: the rest of it is skipped
  std::string batch_;
  std::size_t read_ = 0;   // bytes that nobody has been charged for
  Nanos held_back_{0};     // since it was said
  std::uint64_t run_ = 0;  // errors in a row
  std::vector<std::string> first_words_;
  std::deque<std::string> last_words_;
};

}  // namespace sluice::supervisor
