// AccessLog: one JSON line per finished request or tunnel (docs/access-log.md has the members).
//
// Lines are appended to one buffer that is allocated at start and go out together, at the end of the turn of the loop
// or when 16 KiB have gathered, through the same LogOutput as the worker's events, so that no line is torn by another.
// It never waits: while the pipe to the supervisor is full lines gather up to 64 KiB, then they are dropped and
// counted, and the count is said in a line of its own ("access log lost") as soon as there is room. Everything from the
// network is escaped (base/json_text.h). Owned by the worker's main; exchanges hold a reference.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/loop.h"
#include "base/signal.h"
#include "base/task.h"
#include "worker/telemetry/record.h"

namespace sluice::ipc {
struct AccessLogSettings;
}

namespace sluice::worker {

class AccessLog {
 public:
  /// Lines go out when this many bytes have gathered, or at the end of the turn.
  static constexpr std::size_t kBatch = std::size_t{16} * 1024;
  /// What may gather while the output takes nothing.
  static constexpr std::size_t kMostHeld = std::size_t{64} * 1024;
  /// The longest line with its line feed: what the supervisor takes in one piece.
  static constexpr std::size_t kMaxLine = Log::kMaxLine;

  AccessLog(LogOutput& output, const ipc::AccessLogSettings& settings, const TrafficNames& names);
  AccessLog(AccessLog&&) = delete;
  ~AccessLog() { flush(); }

  /// Other settings hold from the next record on; `names` may have become more.
  void adopt(const ipc::AccessLogSettings& settings, const TrafficNames& names);

  /// Appends the record's line, if it is wanted.
  void write(const AccessRecord& record) {
    if (wants(record)) append(record);
  }
  /// Whether the log is on and the record in the sample or an error. Depends on nothing but the record's ids and
  /// outcome, so all workers and all sinks agree.
  [[nodiscard]] bool wants(const AccessRecord& record) const;

  /// Hands the gathered lines to the output. What it does not take stays for the next time.
  void flush();
  /// Flushes at the end of each turn that logged something; spawn it in the worker's scope. Ends never.
  [[nodiscard]] Task<> run(Loop& loop);

  /// Lines handed to the output, or waiting to be.
  [[nodiscard]] std::uint64_t lines_written() const { return written_; }
  /// Lines lost because the output was full.
  [[nodiscard]] std::uint64_t lines_lost() const { return lost_; }

 private:
  struct WantedField {
    std::string name;  // lower case
    std::string key;   // as a JSON string with its colon
    bool redacted;
  };
  static std::vector<WantedField> wanted_fields(const std::vector<std::string>& names,
                                                const std::vector<std::string>& redact);
  void append(const AccessRecord& record);
  void append_line(const AccessRecord& record);
  void append_time();
  void append_fields(std::string_view key, const std::vector<WantedField>& wanted, const http::Fields* fields,
                     std::size_t end);
  void say_lost();

  LogOutput& output_;
  bool enabled_ = false;
  bool errors_always_ = false;
  bool query_ = false;
  std::uint64_t sample_below_ = 0;  // a record is in the sample when its hash is not above this
  std::vector<WantedField> request_fields_;
  std::vector<WantedField> response_fields_;
  std::vector<std::string> endpoints_;  // as JSON strings
  std::vector<std::string> upstreams_;
  std::string text_;   // gathered lines
  bool full_ = false;  // the output did not take all at the last flush
  std::uint64_t written_ = 0;
  std::uint64_t lost_ = 0;
  std::uint64_t lost_said_ = 0;
  std::int64_t second_ = -1;  // what second_text_ says
  std::string second_text_;
  Signal gathered_;
};

}  // namespace sluice::worker
