// What becomes of a line that a worker wrote: the supervisor says who wrote it, and the worker cannot say otherwise.
//
// A worker may be in an attacker's hands, so its line is passed on only if it is one JSON object of valid UTF-8 whose
// members are none of the stamped ones (readers of JSON take the last of two equal keys). Anything else, such as a
// sanitizer's report or an abort message, is wrapped as text. One pass, no document: access logs come this way too.
#pragma once
#include <string>
#include <string_view>

#include "base/log.h"

namespace sluice::supervisor {

/// The members `"tenant":"acme","worker":0,"pid":7`, made once per process.
class LogStamp {
 public:
  LogStamp(std::string_view tenant, std::uint32_t worker, std::int64_t pid);
  [[nodiscard]] const std::string& members() const { return members_; }

 private:
  std::string members_;
};

/// True if the line is one JSON object, with nothing behind it, that has no top-level member of a stamp.
[[nodiscard]] bool may_pass(std::string_view line);

/// The stamped line, ending in a line feed. `line` has none.
[[nodiscard]] std::string stamped(const LogStamp& stamp, std::string_view line);

/// "10:00:00.000 INFO  acme/0 worker ready pid=7": a finished JSON line for a person's eyes. Ends in a line feed.
enum class Colour : std::uint8_t { kOff, kOn };
[[nodiscard]] std::string for_people(std::string_view json_line, Colour colour);

}  // namespace sluice::supervisor
