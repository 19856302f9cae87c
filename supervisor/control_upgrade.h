// The commands that concern new configuration: check, upgrade, upgrades. See control_commands.h.
#pragma once
#include "supervisor/control_commands.h"

namespace sluice::supervisor {

/// {"file":…}: what preflight says about it, without doing anything.
[[nodiscard]] Task<Result<>> control_check(const ControlContext& context, ipc::ControlConnection& connection,
                                           const nlohmann::json& request);
/// {"force":true, "until":"commit"|"probation"|"drain"}: items as it proceeds, then the record.
[[nodiscard]] Task<Result<>> control_upgrade(const ControlContext& context, ipc::ControlConnection& connection,
                                             const nlohmann::json& request);
/// The last ones.
[[nodiscard]] Task<Result<>> control_upgrades(const ControlContext& context, ipc::ControlConnection& connection,
                                              const nlohmann::json& request);

}  // namespace sluice::supervisor
