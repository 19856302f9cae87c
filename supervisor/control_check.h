// The commands that look at a new configuration and do nothing: check says what is wrong with it, diff what an upgrade
// would do with it. Both let the same child look (preflight.h). See control_commands.h.
#pragma once
#include "base/settings/problems.h"
#include "supervisor/control_commands.h"

namespace sluice::supervisor {

/// {"file":…}: what is wrong with it, and which settings differ.
[[nodiscard]] Task<Result<>> control_check(const ControlContext& context, ipc::ControlConnection& connection,
                                           const nlohmann::json& request);
/// {"file":…}: an item for each setting that differs, then what an upgrade would come to.
[[nodiscard]] Task<Result<>> control_diff(const ControlContext& context, ipc::ControlConnection& connection,
                                          const nlohmann::json& request);

[[nodiscard]] nlohmann::json problems_json(const settings::Problems& problems);

}  // namespace sluice::supervisor
