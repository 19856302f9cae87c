// See upgrade_text.h.
#include "app/sluicectl/upgrade_text.h"

#include <fmt/format.h>

#include <array>

#include "app/sluicectl/json_at.h"
#include "app/sluicectl/table.h"
#include "base/log.h"

namespace sluice::ctl {
namespace {
using nlohmann::json;

constexpr int kUnbalanced = 20;
constexpr std::array kKinds = {"connections", "requests", "tunnels", "flows"};

// "10:00:00.123", UTC as in the log.
std::string clock_text(std::int64_t unix_ms) {
  const std::string text = log_time(std::chrono::system_clock::time_point(std::chrono::milliseconds(unix_ms)));
  constexpr std::size_t kClock = 11;
  constexpr std::size_t kWidth = 12;
  return text.substr(kClock, kWidth);
}

std::int64_t unexplained(const json& ledger) {
  std::int64_t sum = 0;
  for (const char* kind : kKinds) sum += std::abs(number_at(at(ledger, kind), "unexplained"));
  return sum;
}

std::string ledger_table(const json& ledger) {
  Table table({"OPEN AT THE SWITCH", "", "FINISHED", "HANDED OVER", "TOLD TO RETRY", "CUT", "CRASHED", "UNEXPLAINED"});
  for (const char* kind : kKinds) {
    const json& row = at(ledger, kind);
    table.add({kind, text_at(row, "open"), text_at(row, "finished"), text_at(row, "handed_over"), text_at(row, "retry"),
               text_at(row, "cut"), text_at(row, "crashed"), text_at(row, "unexplained")});
  }
  return table.text();
}

}  // namespace

std::string progress_text(const json& item) {
  if (at(item, "text").is_null())
    return fmt::format("{:12} {:10} left: {} idle, {} busy, {} tunnels, {} flows\n", "", text_at(item, "phase"),
                       number_at(item, "idle"), number_at(item, "busy"), number_at(item, "tunnels"),
                       number_at(item, "flows"));
  return fmt::format("{:12} {:10} {}\n", clock_text(number_at(item, "unix_ms")), text_at(item, "phase"),
                     harmless(text_at(item, "text")));
}

std::string upgrade_text(const json& record) {
  std::string out = fmt::format("{}: {}\n", text_at(record, "outcome"), text_at(record, "meaning"));
  const json& problems = at(record, "problems");
  for (const json& problem : problems) out += "  " + harmless(text_at(problem, "message")) + "\n";
  if (problems.empty() && !at(record, "reason").empty()) {
    const std::string reason = text_at(record, "reason");
    if (!reason.empty()) out += "  " + harmless(reason) + "\n";
  }
  for (const json& words : at(record, "last_words"))
    out += "  last words: " + harmless(words.is_string() ? words.get<std::string>() : words.dump()) + "\n";
  const json& ledger = at(record, "ledger");
  if (ledger.is_null()) return out;
  out += ledger_table(ledger);
  if (unexplained(ledger) != 0) out += "the ledger does not balance\n";
  return out;
}

std::string upgrades_text(const json& result) {
  Table table({"UPGRADE", "AT", "BY", "GENERATIONS", "OUTCOME", "PHASE", "OPEN", "FINISHED", "CUT", "CRASHED"});
  for (const json& record : at(result, "upgrades")) {
    const json& row = at(at(record, "ledger"), "connections");
    const bool made = number_at(record, "to") != 0;
    table.add({text_at(record, "number"), clock_text(number_at(record, "started_unix_ms")), text_at(record, "why"),
               made ? fmt::format("{} to {}", number_at(record, "from"), number_at(record, "to")) : "-",
               text_at(record, "outcome"), text_at(record, "phase"), text_at(row, "open"), text_at(row, "finished"),
               text_at(row, "cut"), text_at(row, "crashed")});
  }
  return table.text();
}

int upgrade_exit_code(const json& record) {
  const json& code = at(record, "exit_code");
  if (!code.is_number_integer()) return 0;  // asked to wait only for the commit
  if (code.get<int>() != 0) return code.get<int>();
  return unexplained(at(record, "ledger")) == 0 ? 0 : kUnbalanced;
}

}  // namespace sluice::ctl
