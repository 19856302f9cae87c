// The commands upgrade and upgrades. See control_commands.h.
#pragma once
#include "supervisor/control_commands.h"

namespace sluice::supervisor {

/// {"force":true, "until":"commit"|"probation"|"drain"}: items as it proceeds, then the record.
[[nodiscard]] Task<Result<>> control_upgrade(const ControlContext& context, ipc::ControlConnection& connection,
                                             const nlohmann::json& request);
/// The same, for an upgrade that the client is waiting for already.
[[nodiscard]] Task<Result<>> follow_upgrade(const ControlContext& context, ipc::ControlConnection& connection);
/// The last ones.
[[nodiscard]] Task<Result<>> control_upgrades(const ControlContext& context, ipc::ControlConnection& connection,
                                              const nlohmann::json& request);

}  // namespace sluice::supervisor
