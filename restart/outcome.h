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
  kUnreadable,     ///< it, or a file that it names, cannot be read, and that is all that is wrong with it
  kApplication,    ///< the application's program runs, but is none of Sluice, or changed meanwhile
  kApplicationMissing,
  kApplicationNotExecutable,
  kApplicationFormat,  ///< the kernel cannot execute it: another architecture, a text, half a file
  kApplicationSilent,  ///< asked what it is, it ended with status 0 and had said nothing
  kApplicationFailed,  ///< asked what it is, it crashed or ended with another status
  kApplicationHangs,   ///< asked what it is, it did not come to an end in time
  kAddress,            ///< an address could not be listened on, or something else could not be had
  kCrashed,            ///< a new worker crashed, or ended with another status than 0, before it was ready
  kQuit,               ///< a new worker ended with status 0 before it was ready
  kNotReady,           ///< a new worker was not ready in time
  kRolledBack,         ///< the new generation crashed in its probation; the old one serves again
  kTooMany,            ///< too many generations are still draining
  kNoRoom,             ///< too little memory or too few descriptors for another generation
  kStopping,           ///< Sluice is leaving
  kFixed,              ///< the change is to something that only a start can change
  kSupervisor,         ///< the supervisor's new program runs, but is no supervisor, or changed meanwhile
  kSupervisorMissing,  ///< these six: as of the application
  kSupervisorNotExecutable,
  kSupervisorFormat,
  kSupervisorSilent,
  kSupervisorFailed,
  kSupervisorHangs,
  kState,        ///< it cannot go on from the state of this one
  kCertificate,  ///< a certificate or a key of an endpoint cannot be used, or they do not belong together
  kPreflight,    ///< the check of the new configuration did not end, or ended badly
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
    OutcomeFacts{Outcome::kApplication, "bad_application", 11, "the application's program is no application of Sluice"},
    OutcomeFacts{Outcome::kPreflight, "preflight_failed", 12, "the check of the configuration did not come to an end"},
    OutcomeFacts{Outcome::kAddress, "no_address", 13, "an address could not be listened on"},
    OutcomeFacts{Outcome::kCrashed, "crashed", 14, "a new worker crashed or failed before it was ready"},
    OutcomeFacts{Outcome::kNotReady, "not_ready", 15, "a new worker was not ready in time"},
    OutcomeFacts{Outcome::kRolledBack, "rolled_back", 16,
                 "the new workers crashed after the switch; the old ones serve again"},
    OutcomeFacts{Outcome::kTooMany, "too_many_generations", 17, "too many old generations are still draining"},
    OutcomeFacts{Outcome::kFixed, "needs_restart", 18, "the change is to something that only a start can change"},
    OutcomeFacts{Outcome::kStopping, "stopping", 19, "Sluice is leaving"},
    OutcomeFacts{Outcome::kSupervisor, "bad_supervisor", 21, "the supervisor's new program is no supervisor"},
    OutcomeFacts{Outcome::kState, "incompatible_state", 22,
                 "the supervisor's new program cannot go on where this one stands"},
    OutcomeFacts{Outcome::kNoRoom, "no_room", 23, "too little memory or too few descriptors for a new generation"},
    OutcomeFacts{Outcome::kUnreadable, "unreadable_file", 24,
                 "the configuration, or a file that it names, cannot be read"},
    OutcomeFacts{Outcome::kQuit, "quit", 25, "a new worker ended with status 0 before it was ready"},
    OutcomeFacts{Outcome::kCertificate, "bad_certificate", 26,
                 "a certificate or a key of an endpoint cannot be used, or they do not belong together"},
    OutcomeFacts{Outcome::kApplicationMissing, "application_missing", 31, "the application's program is not there"},
    OutcomeFacts{Outcome::kApplicationNotExecutable, "application_not_executable", 32,
                 "the application's program may not be executed"},
    OutcomeFacts{Outcome::kApplicationFormat, "application_wrong_format", 33,
                 "the application's program is for another machine, or no program"},
    OutcomeFacts{Outcome::kApplicationSilent, "application_silent", 34,
                 "the application's program ended with status 0 and did not say what it is"},
    OutcomeFacts{Outcome::kApplicationFailed, "application_failed", 35,
                 "the application's program crashed or failed when it was asked what it is"},
    OutcomeFacts{Outcome::kApplicationHangs, "application_hangs", 36,
                 "the application's program hung when it was asked what it is"},
    OutcomeFacts{Outcome::kSupervisorMissing, "supervisor_missing", 41, "the supervisor's new program is not there"},
    OutcomeFacts{Outcome::kSupervisorNotExecutable, "supervisor_not_executable", 42,
                 "the supervisor's new program may not be executed"},
    OutcomeFacts{Outcome::kSupervisorFormat, "supervisor_wrong_format", 43,
                 "the supervisor's new program is for another machine, or no program"},
    OutcomeFacts{Outcome::kSupervisorSilent, "supervisor_silent", 44,
                 "the supervisor's new program ended with status 0 and said nothing of the state"},
    OutcomeFacts{Outcome::kSupervisorFailed, "supervisor_failed", 45,
                 "the supervisor's new program crashed or failed when it was shown the state"},
    OutcomeFacts{Outcome::kSupervisorHangs, "supervisor_hangs", 46,
                 "the supervisor's new program hung when it was shown the state"},
};

[[nodiscard]] const OutcomeFacts& facts(Outcome outcome);
[[nodiscard]] std::optional<Outcome> parse_outcome(std::string_view name);
[[nodiscard]] inline std::string_view name(Outcome outcome) {
  return facts(outcome).name;
}

}  // namespace sluice::restart
