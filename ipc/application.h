// What an application says about itself, and how its own settings are checked: the two tool runs of an application's
// binary. Neither runs in the supervisor; both run unprivileged and sandboxed (supervisor/spawn.h, run_sandboxed).
//
//   APP --describe   nothing in; one JSON object out: ApplicationDescription.
//   APP --check      the sections as the file has them, with their places, one JSON object a line, in;
//                    the problems, one JSON object a line, out; exit status 0 whether there are any or not.
//
// Both sides use the functions here, so the format has one home. What comes from an application is bounded and believed
// only as text to show.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/settings/document.h"
#include "base/settings/problems.h"

namespace sluice::ipc {

struct ApplicationDescription {
  /// One of the application's own sections; both empty when it has none.
  struct Section {
    std::string yaml;    ///< the commented defaults, as settings::to_yaml() prints them at depth 0
    std::string schema;  ///< JSON schema of the section
  };
  std::string name;
  std::string version;
  std::string description;  ///< one line
  Section tenant;           ///< tenants[].settings
  Section endpoint;         ///< tenants[].endpoints[].settings
  /// Does it want to hear at its start what its workers of the generation before had to say?
  enum class Parents : std::uint8_t { kIgnored, kHeard };
  Parents parents = Parents::kIgnored;
};
[[nodiscard]] std::string encode(const ApplicationDescription& description);
/// Errors: kBadSyntax.
[[nodiscard]] Result<ApplicationDescription> decode_description(std::string_view text);

struct SectionToCheck {
  enum class Kind : std::uint8_t { kTenant, kEndpoint };
  Kind kind;
  settings::Document document;
};
[[nodiscard]] std::string encode(const std::vector<SectionToCheck>& sections);
/// Errors: kBadSyntax.
[[nodiscard]] Result<std::vector<SectionToCheck>> decode_sections(std::string_view text);

[[nodiscard]] std::string encode(const settings::Problems& problems);
/// Errors: kBadSyntax.
[[nodiscard]] Result<settings::Problems> decode_problems(std::string_view text);

}  // namespace sluice::ipc
