// Pages of errors from their files into the settings: workers open nothing.
#pragma once
#include "base/settings/problems.h"
#include "ipc/settings/settings.h"

namespace sluice::supervisor {

/// Reads the file of each page into its `text`. A file that cannot be read, or is no page, is a problem of the
/// configuration.
void read_error_pages(ipc::Settings& settings, settings::Problems& problems);

}  // namespace sluice::supervisor
