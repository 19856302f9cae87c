// See source_addresses.h.
#include "worker/offramp/source_addresses.h"

namespace sluice::worker {

SourceAddresses::SourceAddresses(const std::vector<std::string>& texts) {
  for (const std::string& text : texts)
    if (const Result<IpAddress> ip = IpAddress::parse(text); ip)
      families_.at(static_cast<std::size_t>(ip->family())).addresses.push_back(*ip);
}

const IpAddress* SourceAddresses::next(IpAddress::Family family) const {
  const Family& own = families_.at(static_cast<std::size_t>(family));
  if (own.addresses.empty()) return nullptr;
  own.turn = own.turn + 1 < own.addresses.size() ? own.turn + 1 : 0;
  return &own.addresses[own.turn];
}

}  // namespace sluice::worker
