// Host names as DNS compares them: case does not count (RFC 4343), nor does the dot of the root at the end. Nothing is
// checked here.
#pragma once
#include <string>
#include <string_view>

#include "base/ascii.h"

namespace sluice {

[[nodiscard]] constexpr std::string_view without_root(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  return host;
}

/// The form in which a name is looked up: lower case, without the root's dot.
[[nodiscard]] inline std::string canonical_name(std::string_view host) {
  return lower_case(without_root(host));
}

[[nodiscard]] constexpr bool same_name(std::string_view a, std::string_view b) {
  return equal_ignore_case(without_root(a), without_root(b));
}

}  // namespace sluice
