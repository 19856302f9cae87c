// Parts: the settings of a tenant on their way to its workers, cut into pieces that are read one by one. A worker that
// serves goes over to others between two requests, and a thousand routes at once would keep those waiting. One part is
// one line of JSON: first the tenant without its routes and upstreams, then a few of those in each. A line that holds
// everything is allowed too. The supervisor writes, workers read; both have the same list of fields.
#pragma once
#include <string>
#include <string_view>

#include "ipc/settings/tenant.h"

namespace sluice::ipc {

[[nodiscard]] std::string to_parts(const TenantSettings& tenant);

class PartsReader {
 public:
  /// Lifetime: the text outlives it.
  explicit PartsReader(std::string_view text) : rest_(text) {}

  /// Nothing is left to be read.
  [[nodiscard]] bool done() const { return rest_.empty(); }
  /// Reads one part. Errors: kBadSyntax.
  [[nodiscard]] Result<> next();
  /// After the last one.
  [[nodiscard]] TenantSettings take() { return std::move(tenant_); }

 private:
  std::string_view rest_;
  bool begun_ = false;
  TenantSettings tenant_;
};

/// All of them. Errors: kBadSyntax.
[[nodiscard]] Result<TenantSettings> tenant_from_parts(std::string_view text);

}  // namespace sluice::ipc
