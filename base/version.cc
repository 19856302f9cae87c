// See version.h: a file of its own, because a new version compiles it again.
#include "base/version.h"

namespace sluice {
std::string_view version() {
  return SLUICE_VERSION;
}
}  // namespace sluice
