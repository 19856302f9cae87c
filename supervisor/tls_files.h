// The files of TLS that the configuration names, read into the settings: workers open none. Here they are only text;
// who links TLS reads what it says. Keys of endpoints are not even read: they are for the keyholder.
#pragma once
#include "base/settings/problems.h"
#include "ipc/settings/settings.h"

namespace sluice::supervisor {

/// Adds a problem for every file that cannot be read or is something else.
void read_tls_files(ipc::Settings& settings, settings::Problems& problems);

}  // namespace sluice::supervisor
