// Where a socket is bound, as an address. Errors: of the system; kUnsupported for another family than IP and UNIX.
#pragma once
#include "base/net/address.h"
#include "base/result.h"

namespace sluice {

[[nodiscard]] Result<SocketAddress> local_address(int fd);

}  // namespace sluice
