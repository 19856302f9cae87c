// SourceAddresses: which addresses of this machine connections to origins come from, taken in turn, so that the ports
// of all of them are used. Families are apart: an IPv6 origin is reached from an IPv6 address or not at all.
#pragma once
#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "base/net/address.h"

namespace sluice::worker {

class SourceAddresses {
 public:
  /// Any address: the kernel chooses.
  SourceAddresses() = default;
  /// Texts that the configuration's checks let through; others are left out.
  explicit SourceAddresses(const std::vector<std::string>& texts);

  [[nodiscard]] bool any() const { return families_[0].addresses.empty() && families_[1].addresses.empty(); }
  /// The next one to use, null when there is none of that family.
  [[nodiscard]] const IpAddress* next(IpAddress::Family family) const;

 private:
  struct Family {
    std::vector<IpAddress> addresses;
    mutable std::size_t turn = 0;
  };
  std::array<Family, 2> families_;
};

}  // namespace sluice::worker
