// See log_sink.h.
#include "supervisor/log_sink.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/sys.h"

namespace sluice::supervisor {

Result<std::unique_ptr<LogSink>> LogSink::open(std::string file, Format format) {
  std::unique_ptr<LogSink> sink(new LogSink(std::move(file)));
  if (sink->file_.empty()) {
    sink->write_to_errors(format);
  } else {
    sink->human_ = format == Format::kHuman;
    if (Result<> opened = sink->reopen(); !opened) return fail(std::move(opened).error());
  }
  return sink;
}

std::unique_ptr<LogSink> LogSink::go_on(std::string file, Format format, Fd fd, std::string rest) {
  std::unique_ptr<LogSink> sink(new LogSink(std::move(file)));
  if (fd) {
    sink->human_ = format == Format::kHuman;
    sink->output_ = std::make_unique<FdLogOutput>(fd.get());
    sink->fd_ = std::move(fd);
  } else {
    sink->write_to_errors(format);
  }
  sink->output_->go_on_with(std::move(rest));
  return sink;
}

void LogSink::write_to_errors(Format format) {
  output_ = std::make_unique<FdLogOutput>(STDERR_FILENO);
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  human_ = format == Format::kHuman || (format == Format::kAuto && terminal);
  colour_ = terminal ? Colour::kOn : Colour::kOff;
}

Result<> LogSink::reopen() {
  if (file_.empty()) return {};
  constexpr mode_t kMode = 0640;
  Fd fd(::open(file_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, kMode));
  if (!fd) return fail(Error::from_errno(errno, "open").during("opening the log file " + file_));
  output_ = std::make_unique<FdLogOutput>(fd.get());
  fd_ = std::move(fd);
  return {};
}

bool LogSink::write(std::string_view lines) {
  if (!human_) return output_->write(lines);
  std::string text;
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    text += for_people(lines.substr(0, end), colour_);
    lines = end == std::string_view::npos ? std::string_view() : lines.substr(end + 1);
  }
  return output_->write(text);
}

LogBudget& LogSink::budget(const std::string& tenant, std::uint64_t bytes_per_second) {
  LogBudget& found = budgets_[tenant];
  found.set_rate(bytes_per_second);
  return found;
}

LogPipe::LogPipe(Loop& loop, LogSink& sink, LogBudget& budget, Fd read_end, LogStamp stamp)
    : loop_(loop),
      sink_(sink),
      budget_(budget),
      fd_(std::move(read_end)),
      events_(loop, fd_.get()),
      stamp_(std::move(stamp)),
      block_(kPerTurn) {}

Task<> LogPipe::run() {
  for (;;) {
    const More more = read_some();
    co_await pass_on();
    switch (more) {
      case More::kYes:
        co_await loop_.yield();
        break;
      case More::kNotNow:
        co_await events_.readable.wait(loop_, Deadline::never());
        break;
      case More::kEnd:
        co_return;
    }
  }
}

// Ends when the output has taken everything and the tenant may write again.
Task<> LogPipe::pass_on() {
  constexpr Millis kPatience{20};
  const std::size_t cost = take_cost();
  if (cost == 0) co_return;
  const Nanos since = loop_.now();
  budget_.spend(cost, since);
  while (!flush() || !sink_.finish()) co_await loop_.sleep(kPatience);
  const Nanos wait = budget_.wait(loop_.now());
  if (wait.count() > 0) co_await loop_.until(Deadline(loop_.now() + wait));
  say_held_back(since);
}

// Of what has been read since: what comes of it, and at least the reading, for much of it may be in no line.
std::size_t LogPipe::take_cost() {
  return std::max(batch_.size(), std::exchange(read_, 0));
}

void LogPipe::say_held_back(Nanos since) {
  constexpr Nanos kWorthSaying = Millis(1000);
  held_back_ += loop_.now() - since;
  if (held_back_ < kWorthSaying) return;
  JsonLine line = Log::begin(LogLevel::kWarn, "log held back");
  line.add("milliseconds", std::chrono::floor<Millis>(std::exchange(held_back_, Nanos(0))).count());
  batch_ += stamped(stamp_, std::move(line).take());
}

void LogPipe::drain() {
  constexpr int kTurns = 16;
  More more = More::kYes;
  for (int turn = 0; turn < kTurns && more == More::kYes; ++turn) {
    more = read_some();
    budget_.spend(take_cost(), loop_.now());
    flush_or_lose();
  }
  if (!line_.empty()) finish_line();
  flush_or_lose();
}

LogPipe::More LogPipe::read_some() {
  const sys::Io io = sys::read(fd_.get(), block_);
  if (io.again()) {
    events_.readable.clear();
    return More::kNotNow;
  }
  if (!io.done() || io.bytes == 0) {
    if (!line_.empty()) finish_line();
    return More::kEnd;
  }
  read_ += io.bytes;
  take({block_.data(), io.bytes});
  return More::kYes;
}

void LogPipe::take(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    std::string_view part = bytes.substr(0, end);
    bytes = end == std::string_view::npos ? std::string_view() : bytes.substr(end + 1);
    if (!cutting_) {
      const std::size_t room = Log::kMaxLine - std::min(line_.size(), Log::kMaxLine);
      cutting_ = part.size() > room;
      line_.append(part.substr(0, room));
    }
    if (end != std::string_view::npos) finish_line();
  }
}

void LogPipe::finish_line() {
  cutting_ = false;
  std::string_view line = line_;
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (!line.empty()) {
    const std::string text = stamped(stamp_, line);
    batch_ += text;
    remember({text.data(), text.size() - 1});
  }
  line_.clear();
}

void LogPipe::remember(std::string_view text) {
  if (!text.contains("\"level\":\"error\"")) {
    run_ = 0;
    return;
  }
  if (run_ == 0) first_words_.clear();
  if (run_ < kFirstWords) first_words_.emplace_back(text);
  ++run_;
  if (last_words_.size() == kLastWords) last_words_.pop_front();
  last_words_.emplace_back(text);
}

std::vector<std::string> LogPipe::last_words() const {
  std::vector<std::string> words;
  const std::uint64_t pushed_out = run_ - std::min<std::uint64_t>(run_, last_words_.size());
  for (const std::string& text : first_words_)
    if (words.size() < pushed_out) words.push_back(text);
  if (pushed_out > kFirstWords) words.push_back(fmt::format("… {} lines …", pushed_out - kFirstWords));
  words.insert(words.end(), last_words_.begin(), last_words_.end());
  return words;
}

bool LogPipe::flush() {
  constexpr std::size_t kPiece = Log::kMaxLine;
  std::string_view left = batch_;
  while (!left.empty()) {
    std::size_t end = left.size() <= kPiece ? std::string_view::npos : left.rfind('\n', kPiece);
    if (end == std::string_view::npos && left.size() > kPiece) end = left.find('\n');
    const std::string_view piece = left.substr(0, end == std::string_view::npos ? end : end + 1);
    if (!sink_.write(piece)) break;
    left.remove_prefix(piece.size());
  }
  batch_.erase(0, batch_.size() - left.size());
  return batch_.empty();
}

restart::SavedLogPipe LogPipe::save() const {
  return {.fd = fd_.get(),
          .line = line_,
          .cutting = cutting_,
          .batch = batch_,
          .errors = run_,
          .first_words = first_words_,
          .last_words = {last_words_.begin(), last_words_.end()}};
}

void LogPipe::go_on(const restart::SavedLogPipe& saved) {
  // what is no UTF-8 has grown in the state: three bytes stand for one
  line_ = saved.line.substr(0, Log::kMaxLine);
  cutting_ = saved.cutting;
  batch_ = saved.batch;
  run_ = saved.errors;
  first_words_ = saved.first_words;
  last_words_.assign(saved.last_words.begin(), saved.last_words.end());
}

void LogPipe::flush_or_lose() {
  if (!flush()) sink_.count_lost(static_cast<std::uint64_t>(std::ranges::count(batch_, '\n')));
  batch_.clear();
}

}  // namespace sluice::supervisor
