// What can become of an upgrade: one value for each thing an operator would do differently, with the exit code of
// `sluicectl upgrade` and a sentence. docs/restart.md has the same table; a test compares them.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::restart {

enum class Outcome : std::uint8_t {
  kDone,           ///< the new generation serves and has passed its probation
  kUnchanged,      ///< nothing differs from what runs
  kInPlace,        ///< the change needed no new processes
  kConfiguration,  ///< the configuration has problems
  kApplication,    ///< the application's binary is missing, not executable, or no application of Sluice
  kAddress,        ///< an address could not be listened on, or something else could not be had
  kCrashed,        ///< a new worker ended before it was ready
  kNotReady,       ///< a new worker was not ready in time
  kRolledBack,     ///< the new generation crashed in its probation; the old one serves again
  kTooMany,        ///< too many generations are still draining
  kNoRoom,         ///< too little memory or too few descriptors for another generation
  kStopping,       ///< Sluice is leaving
  kFixed,          ///< the change is to something that only a start can change
  kSupervisor,     ///< the supervisor's new program is missing, cannot be executed, or is none
  kState,          ///< it cannot go on from the state of this one
  kPreflight,      ///< the check of the new configuration did not end, or ended badly
};

struct OutcomeFacts {
  Outcome outcome;
  std::string_view name;
  int exit_code;
  std::string_view meaning;
};
inline constexpr std::array kOutcomes = {
    OutcomeFacts{Outcome::kDone, "done", 0, "the new generation serves"},
    OutcomeFacts{Outcome::kUnchanged, "unchanged", 0, "nothing differs from what runs"},
    OutcomeFacts{Outcome::kInPlace, "in_place", 0, "the change is in force and needed no new processes"},
    OutcomeFacts{Outcome::kConfiguration, "bad_configuration", 10, "the configuration has problems"},
    OutcomeFacts{Outcome::kApplication, "bad_application", 11, "the application cannot be run"},
    OutcomeFacts{Outcome::kPreflight, "preflight_failed", 12, "the check of the configuration did not come to an end"},
    OutcomeFacts{Outcome::kAddress, "no_address", 13, "an address could not be listened on"},
    OutcomeFacts{Outcome::kCrashed, "crashed", 14, "a new worker ended before it was ready"},
    OutcomeFacts{Outcome::kNotReady, "not_ready", 15, "a new worker was not ready in time"},
    OutcomeFacts{Outcome::kRolledBack, "rolled_back", 16,
                 "the new workers crashed after the switch; the old ones serve again"},
    OutcomeFacts{Outcome::kTooMany, "too_many_generations", 17, "too many old generations are still draining"},
    OutcomeFacts{Outcome::kFixed, "needs_restart", 18, "the change is to something that only a start can change"},
    OutcomeFacts{Outcome::kStopping, "stopping", 19, "Sluice is leaving"},
    OutcomeFacts{Outcome::kSupervisor, "bad_supervisor", 21, "the supervisor's new program cannot be run"},
    OutcomeFacts{Outcome::kState, "incompatible_state", 22,
                 "the supervisor's new program cannot go on where this one stands"},
    OutcomeFacts{Outcome::kNoRoom, "no_room", 23, "too little memory or too few descriptors for a new generation"},
};

[[nodiscard]] const OutcomeFacts& facts(Outcome outcome);
[[nodiscard]] std::optional<Outcome> parse_outcome(std::string_view name);
[[nodiscard]] inline std::string_view name(Outcome outcome) {
  return facts(outcome).name;
}

}  // namespace sluice::restart
