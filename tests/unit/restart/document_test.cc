// docs/restart.md says what the tables in the code say.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <vector>

#include "restart/change.h"
#include "restart/fault_point.h"
#include "restart/outcome.h"
#include "restart/phase.h"

namespace sluice::restart {
namespace {

// The rows of the table that begins with this head.
std::vector<std::string> rows_below(const std::string& head) {
  std::ifstream page("docs/restart.md");
  EXPECT_TRUE(page.is_open());
  std::vector<std::string> rows;
  bool here = false;
  for (std::string line; std::getline(page, line);) {
    if (here && !line.starts_with("|")) break;
    if (here && !line.starts_with("|---")) rows.push_back(line);
    here = here || line == head;
  }
  return rows;
}

TEST(RestartDocument, HasTheMovesOfTheCode) {
  std::vector<std::string> moves;
  for (const PhaseMove& move : kPhaseMoves)
    moves.push_back(fmt::format("| {} | {} | {} |", name(move.from), name(move.to), move.when));
  EXPECT_EQ(rows_below("| from | to | when |"), moves);
}

TEST(RestartDocument, HasTheOutcomesOfTheCode) {
  std::vector<std::string> outcomes;
  for (const OutcomeFacts& facts : kOutcomes)
    outcomes.push_back(fmt::format("| {} | {} | {} |", facts.name, facts.exit_code, facts.meaning));
  EXPECT_EQ(rows_below("| outcome | exit status | meaning |"), outcomes);
}

TEST(RestartDocument, HasWhatChangesNeed) {
  std::vector<std::string> rules;
  for (const ChangeRule& rule : kChangeRules)
    rules.push_back(rule.path.empty() ? fmt::format("| everything else | {} |", name(rule.needs))
                                      : fmt::format("| `{}` | {} |", rule.path, name(rule.needs)));
  EXPECT_EQ(rows_below("| setting | a change needs |"), rules);
}

TEST(RestartDocument, HasTheFaultPointsOfTheCode) {
  std::vector<std::string> points;
  for (const FaultPointFacts& facts : kFaultPoints)
    points.push_back(fmt::format("| `{}` | {} |", facts.name, facts.where));
  EXPECT_EQ(rows_below("| point | where |"), points);
}

TEST(RestartDocument, DrawsEveryPhase) {
  std::ifstream page("docs/restart.md");
  const std::string text((std::istreambuf_iterator<char>(page)), std::istreambuf_iterator<char>());
  const std::string drawing = text.substr(text.find("```"), text.find("```", text.find("```") + 3) - text.find("```"));
  for (std::size_t phase = 0; phase < kPhases; ++phase)
    EXPECT_NE(drawing.find(name(static_cast<Phase>(phase))), std::string::npos) << name(static_cast<Phase>(phase));
}

TEST(RestartPhases, AllLeadToAnEnd) {
  // from every phase there is a way to kEnded or kFailed, and from those there is none
  std::set<Phase> ends = {Phase::kEnded, Phase::kFailed};
  for (std::size_t turn = 0; turn < kPhases; ++turn)
    for (const PhaseMove& move : kPhaseMoves)
      if (ends.contains(move.to)) ends.insert(move.from);
  EXPECT_EQ(ends.size(), kPhases);
  for (const PhaseMove& move : kPhaseMoves) {
    EXPECT_NE(move.from, Phase::kEnded);
    EXPECT_NE(move.from, Phase::kFailed);
  }
}

TEST(RestartOutcomes, HaveExitCodesOfTheirOwnWhenTheyAreFailures) {
  std::set<int> codes;
  for (const OutcomeFacts& facts : kOutcomes)
    if (facts.exit_code != 0) EXPECT_TRUE(codes.insert(facts.exit_code).second) << facts.name;
}

}  // namespace
}  // namespace sluice::restart
