// What `http.via: auto` becomes: a name for each endpoint that no other proxy has, so that a loop is told from a chain.
#pragma once
#include "ipc/settings/settings.h"

namespace sluice::supervisor {

/// Fills in the pseudonyms of the tenant's endpoints. The same for every worker and as long as this process lives.
void fill_pseudonyms(ipc::TenantSettings& tenant);

}  // namespace sluice::supervisor
