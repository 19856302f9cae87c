// Log: one JSON object per line: {"time":"2026-01-31T10:00:00.000000Z","level":"info","event":"worker ready",…}.
//
// `log.info("worker ready", {{"tenant", name}, {"pid", pid}});` Events are string literals with stable names, listed
// in docs/logs.md. A flood is capped: an event that comes more than kLinesPerSecond times within a second is counted
// instead of written, and the count is said in a line of its own ("log suppressed"). Access-log records are not
// events: record() writes them uncapped. Writing never waits: what the output cannot take is dropped and counted. Owned
// by the process's main function and handed down by reference; there is no global log. Thread: one.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/json_text.h"
#include "base/time.h"

namespace sluice {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarn, kError };
[[nodiscard]] std::string_view name(LogLevel level);
[[nodiscard]] std::optional<LogLevel> parse_log_level(std::string_view text);

/// "2026-01-31T10:00:00.000000Z", made without the C library's time zones, which would read files.
[[nodiscard]] std::string log_time(std::chrono::system_clock::time_point when);

/// One member of a line. Lifetime: borrows its texts for the call.
class LogField {
 public:
  template <class T>
    requires std::integral<T> || std::same_as<T, double>
  LogField(std::string_view key, T value) : key_(key), value_{}, kind_(kind_of<T>()) {
    if constexpr (std::same_as<T, double>)
      value_.real = value;
    else
      value_.integer = static_cast<std::int64_t>(value);
  }
  LogField(std::string_view key, std::string_view value) : key_(key), value_{.text = value}, kind_(Kind::kText) {}
  LogField(std::string_view key, const std::string& value) : LogField(key, std::string_view(value)) {}
  LogField(std::string_view key, const char* value) : LogField(key, std::string_view(value)) {}

  void append_to(JsonLine& line) const;

 private:
  enum class Kind : std::uint8_t { kText, kSigned, kUnsigned, kBool, kReal };
  union Value {
    std::string_view text = {};
    std::int64_t integer;
    double real;
  };
  template <class T>
  static constexpr Kind kind_of() {
    if constexpr (std::same_as<T, double>) return Kind::kReal;
    if constexpr (std::same_as<T, bool>) return Kind::kBool;
    return std::signed_integral<T> ? Kind::kSigned : Kind::kUnsigned;
  }

  std::string_view key_;
  Value value_;
  Kind kind_;
};

/// Where finished lines go. `line` ends with a line feed.
class LogOutput {
 public:
  virtual ~LogOutput() = default;
  /// False when the line could not be taken without waiting and is lost.
  virtual bool write(std::string_view line) = 0;
};

/// Lines to a descriptor, in one write(2) each as far as the kernel takes it; never waits, also when the descriptor is
/// a blocking one. A line of which only a part went out is finished before the next one begins.
class FdLogOutput final : public LogOutput {
 public:
  /// `fd` is borrowed.
  explicit FdLogOutput(int fd);
  bool write(std::string_view line) override;
  /// Goes on with a line of which only a part went out; true when nothing is left of it.
  bool finish();
  /// What finish() has still to write, for whoever goes on with it.
  [[nodiscard]] const std::string& rest() const { return rest_; }
  void go_on_with(std::string rest) { rest_ = std::move(rest); }

 private:
  std::size_t write_some(std::string_view bytes) const;
  int fd_;
  bool may_block_;
  std::string rest_;
};

class Log {
 public:
  /// The longest line, with its line feed; what is longer is cut to the members that fit.
  static constexpr std::size_t kMaxLine = 16 * 1024;
  static constexpr std::uint32_t kLinesPerSecond = 100;
  using Fields = std::initializer_list<LogField>;

  Log(LogOutput& output, LogLevel level) : output_(output), level_(level) {}
  Log(Log&&) = delete;
  ~Log() { flush(); }

  void debug(std::string_view event, Fields fields = {}) { say(LogLevel::kDebug, event, fields); }
  void info(std::string_view event, Fields fields = {}) { say(LogLevel::kInfo, event, fields); }
  void warn(std::string_view event, Fields fields = {}) { say(LogLevel::kWarn, event, fields); }
  void error(std::string_view event, Fields fields = {}) { say(LogLevel::kError, event, fields); }
  /// Lifetime: `event` is a literal: its text is kept to count it.
  void say(LogLevel level, std::string_view event, Fields fields);

  /// Begins a line with time, level and event; finish it with record(). For lines built in steps, as access logs are.
  [[nodiscard]] static JsonLine begin(LogLevel level, std::string_view event);
  /// Writes a finished line whatever the level, uncapped. False when it was lost.
  bool record(JsonLine&& line);

  /// Says what was suppressed or lost since the last time; call now and then, and at the end.
  void flush();

  [[nodiscard]] bool wants(LogLevel level) const { return level >= level_; }
  [[nodiscard]] LogLevel level() const { return level_; }
  void set_level(LogLevel level) { level_ = level; }
  /// Lines that the output could not take.
  [[nodiscard]] std::uint64_t lost() const { return lost_; }

 private:
  struct Count {
    std::string_view event;
    std::uint32_t lines = 0;
    std::uint64_t suppressed = 0;
  };
  [[nodiscard]] bool within_rate(std::string_view event);
  void next_second();
  bool write(std::string line);

  LogOutput& output_;
  LogLevel level_;
  std::int64_t second_ = 0;
  // one row per event seen in this second; when it is full the rest share the last row
  std::array<Count, 64> counts_{};
  std::size_t count_ = 0;
  std::uint64_t lost_ = 0;
  std::uint64_t lost_said_ = 0;
};

}  // namespace sluice
