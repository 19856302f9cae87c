// Who a child is: maps a host id into its user namespace, or says why it has to stay our own.
#pragma once
#include <sys/types.h>

#include <optional>

#include "base/protection.h"
#include "base/result.h"
#include "supervisor/child.h"
#include "supervisor/spawn.h"

namespace sluice::supervisor {

/// The decision, taken before the child exists.
struct Identity {
  Ids host;
  Groups groups;  ///< kKeep: an ordinary user cannot leave its groups, they only become nameless inside
  Protection report;
};
[[nodiscard]] Identity choose_identity(const std::optional<Ids>& wanted);

/// Writes the maps of a fresh user namespace: `inner` inside is identity.host outside, one id each, nothing else is
/// mapped.
[[nodiscard]] Result<> write_id_maps(pid_t pid, const Identity& identity, std::uint32_t inner);

}  // namespace sluice::supervisor
