// What a worker cannot read for itself: the DNS servers of /etc/resolv.conf and the names of /etc/hosts, put into a
// tenant's settings where the configuration leaves them open.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/settings/settings.h"

namespace sluice::supervisor {

/// The `nameserver` lines, at most three (as in the C library), those that are addresses.
[[nodiscard]] std::vector<std::string> servers_in(std::string_view resolv_conf);
/// Name → addresses, lower case, at most 10,000 names.
[[nodiscard]] std::map<std::string, std::vector<std::string>> names_in(std::string_view hosts);

/// Reads the two files and fills `servers` if it is empty, and every name that `hosts` does not have. A missing file
/// is like an empty one; without any server 127.0.0.1 is asked, as the C library would.
void fill_name_service(ipc::ResolverSettings& resolver);

}  // namespace sluice::supervisor
