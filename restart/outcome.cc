// See outcome.h.
#include "restart/outcome.h"

#include <algorithm>

#include "base/check.h"

namespace sluice::restart {

const OutcomeFacts& facts(Outcome outcome) {
  const auto* const found = std::ranges::find(kOutcomes, outcome, &OutcomeFacts::outcome);
  SLUICE_CHECK(found != kOutcomes.end(), "no such outcome");
  return *found;
}

std::optional<Outcome> parse_outcome(std::string_view name) {
  const auto* const found = std::ranges::find(kOutcomes, name, &OutcomeFacts::name);
  return found != kOutcomes.end() ? std::optional(found->outcome) : std::nullopt;
}

}  // namespace sluice::restart
