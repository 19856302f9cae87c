// Users and groups of the configuration as numbers. Looked up in the supervisor, before anything is started; workers
// never ask.
#pragma once
#include <sys/types.h>

#include <optional>
#include <string>

#include "base/result.h"
#include "base/settings/problems.h"
#include "ipc/settings/settings.h"
#include "supervisor/spawn.h"

namespace sluice::supervisor {

/// A group by name or number. Errors: kBadConfig.
[[nodiscard]] Result<gid_t> find_group(const std::string& group);

/// Who a tenant's workers are on the host: what the configuration says, or ids of the tenant's own; nothing when we are
/// not root and could not change anyway. Errors: kBadConfig.
[[nodiscard]] Result<std::optional<Ids>> worker_ids(const ipc::TenantSettings& tenant, PrivateIds& private_ids);

/// Users and groups that do not exist, as problems of the configuration.
void check_accounts(const ipc::Settings& settings, settings::Problems& problems);

}  // namespace sluice::supervisor
