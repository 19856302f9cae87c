// Member: a server as its group and the balancer see it: what it may get, what it has, how it is. Plain data; owned by
// the group (upstream.h), which never moves it.
#pragma once
#include <cstdint>
#include <optional>

#include "worker/offramp/health.h"
#include "worker/offramp/origin_server.h"

namespace sluice::worker {

struct Member {
  static constexpr std::uint32_t kFullShare = 100;  ///< percent of its weight: less while it warms up

  OriginServer* server = nullptr;
  std::uint32_t base_weight = 1;      ///< of the configuration
  std::uint32_t weight = kFullShare;  ///< in force now: base_weight times its share
  std::uint32_t limit = 0;            ///< most places; 0: no limit
  std::uint32_t places = 0;           ///< requests that have it now
  bool active = true;                 ///< the configuration wants it used
  bool serving = true;                ///< gets new requests
  std::int64_t credit = 0;            ///< of the smooth weighted round robin
  Health health;
  Nanos warming_since{0};  ///< 0: has its whole share

  std::uint64_t requests = 0;
  std::uint64_t failures = 0;
  std::optional<Code> last_error;  ///< of a request or a probe
  Nanos last_error_at{0};

  [[nodiscard]] bool has_room() const { return limit == 0 || places < limit; }
};

}  // namespace sluice::worker
