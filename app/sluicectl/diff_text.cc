// See diff_text.h.
#include "app/sluicectl/diff_text.h"

#include <nlohmann/json.hpp>

#include "app/sluicectl/json_at.h"
#include "app/sluicectl/table.h"
#include "ipc/text.h"

namespace sluice::ctl {
namespace {
using nlohmann::json;

// Whole lists are long; --json has all of it.
std::string value_text(const json& value) {
  constexpr std::size_t kMost = 60;
  if (value == "") return "\"\"";
  const std::string text = text_of(value);
  if (text.size() <= kMost) return text;
  return std::string(ipc::cut_at_character(text, kMost)) + "…";
}

std::string verdict_text(const json& result) {
  const std::string verdict = text_at(result, "verdict");
  if (verdict == "nothing") return "nothing differs from what runs";
  if (verdict == "in_place") return "an upgrade needs no new processes";
  if (verdict == "generation") return "an upgrade starts a new generation of workers";
  std::string text = "an upgrade is refused: " + text_at(result, "outcome") + ", " + text_at(result, "meaning");
  if (at(result, "problems").empty()) text += "\n  " + harmless(text_at(result, "why"));
  return text;
}

}  // namespace

std::string diff_text(const json& result, const std::vector<json>& changes) {
  std::string out = harmless(text_at(result, "file")) + ": " + verdict_text(result) + "\n";
  for (const json& problem : at(result, "problems")) out += "  " + harmless(text_at(problem, "message")) + "\n";
  for (const json& program : at(result, "programs")) out += "  another program: " + harmless(text_of(program)) + "\n";
  if (changes.empty()) return out;
  Table table({"SETTING", "BEFORE", "AFTER", "NEEDS"});
  for (const json& change : changes)
    table.add({text_at(change, "path"), value_text(at(change, "before")), value_text(at(change, "after")),
               text_at(change, "needs")});
  return out + table.text();
}

}  // namespace sluice::ctl
