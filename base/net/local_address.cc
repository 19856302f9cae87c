// See local_address.h.
#include "base/net/local_address.h"

#include "base/sys.h"

namespace sluice {

Result<SocketAddress> local_address(int fd) {
  RawAddress raw;
  if (Result<> named = sys::local_name(fd, raw.storage, raw.size); !named) return fail(std::move(named).error());
  return SocketAddress::from_raw(raw);
}

}  // namespace sluice
