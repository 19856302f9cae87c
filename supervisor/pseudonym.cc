// See pseudonym.h.
#include "supervisor/pseudonym.h"

#include <fmt/format.h>

#include <functional>
#include <random>
#include <string>

namespace sluice::supervisor {
namespace {
// Digits that differ between two processes. They are no secret: who says them is refused.
std::uint32_t digits_of(const std::string& tenant, const std::string& endpoint) {
  static const std::string seed = std::to_string(std::random_device()());
  return static_cast<std::uint32_t>(std::hash<std::string>()(seed + "/" + tenant + "/" + endpoint));
}
}  // namespace

void fill_pseudonyms(ipc::TenantSettings& tenant) {
  for (ipc::EndpointSettings& endpoint : tenant.endpoints)
    if (endpoint.http.via == "auto")
      endpoint.http.via = fmt::format("sluice-{:08x}", digits_of(tenant.name, endpoint.name));
}

}  // namespace sluice::supervisor
