// Whether certificates and keys of endpoints can be used and belong together: `sluice-keyholder --check` says so, as
// the supervisor reads neither. It runs sandboxed, as tool runs do (spawn.h), with the open files.
#pragma once
#include "base/settings/problems.h"
#include "ipc/settings/settings.h"

namespace sluice::supervisor {

/// Adds a problem for each certificate that cannot be used. Blocks: for start-up and for the child that checks.
void check_certificates(const ipc::Settings& settings, settings::Problems& problems);

}  // namespace sluice::supervisor
