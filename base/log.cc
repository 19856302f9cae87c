// See log.h.
#include "base/log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <utility>

#include "base/sys.h"

namespace sluice {

std::string_view name(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarn:
      return "warn";
    case LogLevel::kError:
      return "error";
  }
  return "error";
}

std::optional<LogLevel> parse_log_level(std::string_view text) {
  for (const LogLevel level : {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarn, LogLevel::kError})
    if (name(level) == text) return level;
  return std::nullopt;
}

std::string log_time(std::chrono::system_clock::time_point when) {
  using namespace std::chrono;
  const auto day = floor<days>(when);
  const year_month_day date(day);
  const auto since_midnight = floor<microseconds>(when - day).count();
  constexpr std::int64_t kMicros = 1'000'000;
  const std::int64_t seconds = since_midnight / kMicros;
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), seconds / 3600,
                     seconds / 60 % 60, seconds % 60, since_midnight % kMicros);
}

void LogField::append_to(JsonLine& line) const {
  switch (kind_) {
    case Kind::kText:
      line.add(key_, value_.text);
      return;
    case Kind::kSigned:
      line.add(key_, value_.integer);
      return;
    case Kind::kUnsigned:
      line.add(key_, static_cast<std::uint64_t>(value_.integer));
      return;
    case Kind::kBool:
      line.add(key_, value_.integer != 0);
      return;
    case Kind::kReal:
      line.add(key_, value_.real);
      return;
  }
}

FdLogOutput::FdLogOutput(int fd) : fd_(fd), may_block_(false) {
  const int flags = ::fcntl(fd, F_GETFL);
  may_block_ = flags < 0 || (flags & O_NONBLOCK) == 0;
}

bool FdLogOutput::finish() {
  if (!rest_.empty()) rest_.erase(0, write_some(rest_));
  return rest_.empty();
}

bool FdLogOutput::write(std::string_view line) {
  if (!finish()) return false;
  const std::size_t written = write_some(line);
  if (written == 0) return false;
  rest_ = line.substr(written);
  return true;
}

// A blocking descriptor is asked first, and given no more than a pipe promises to take when it says "writable".
std::size_t FdLogOutput::write_some(std::string_view bytes) const {
  std::size_t written = 0;
  while (written < bytes.size()) {
    std::size_t part = bytes.size() - written;
    if (may_block_) {
      pollfd ready{.fd = fd_, .events = POLLOUT, .revents = 0};
      if (::poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) break;
      part = std::min<std::size_t>(part, PIPE_BUF);
    }
    const sys::Io io = sys::write(fd_, bytes.substr(written, part));
    if (!io.done()) break;
    written += io.bytes;
  }
  return written;
}

JsonLine Log::begin(LogLevel level, std::string_view event) {
  JsonLine line;
  line.add("time", log_time(wall_now())).add("level", name(level)).add("event", event);
  return line;
}

void Log::say(LogLevel level, std::string_view event, Fields fields) {
  if (!wants(level) || !within_rate(event)) return;
  JsonLine line = begin(level, event);
  for (const LogField& field : fields) {
    const std::size_t before = line.size();
    field.append_to(line);
    if (line.size() + 2 > kMaxLine) line.cut(before);
  }
  (void)write(std::move(line).take());
}

bool Log::record(JsonLine&& line) {
  return write(std::move(line).take());
}

bool Log::write(std::string line) {
  line += '\n';
  const bool taken = output_.write(line);
  if (!taken) ++lost_;
  return taken;
}

bool Log::within_rate(std::string_view event) {
  const std::int64_t second = std::chrono::floor<std::chrono::seconds>(steady_now()).count();
  if (second != second_) {
    next_second();
    second_ = second;
  }
  const auto* const end = counts_.begin() + count_;
  Count* row =
      std::find_if(counts_.begin(), counts_.begin() + count_, [&](const Count& c) { return c.event == event; });
  if (row == end) {
    if (count_ < counts_.size()) {
      counts_[count_++] = Count{.event = event};
    } else {
      row = &counts_.back();
    }
  }
  if (row->lines < kLinesPerSecond) {
    ++row->lines;
    return true;
  }
  ++row->suppressed;
  return false;
}

void Log::next_second() {
  for (const Count& row : std::span(counts_).first(std::exchange(count_, 0))) {
    if (row.suppressed == 0) continue;
    JsonLine line = begin(LogLevel::kWarn, "log suppressed");
    line.add("of", row.event).add("lines", row.suppressed);
    (void)record(std::move(line));
  }
  if (lost_ != lost_said_) {
    const std::uint64_t lost = lost_;
    JsonLine line = begin(LogLevel::kWarn, "log lost");
    line.add("lines", lost - lost_said_);
    if (record(std::move(line))) lost_said_ = lost;
  }
}

void Log::flush() {
  next_second();
}

}  // namespace sluice
