// Member: a server as its group and the balancer see it: what it may get, what it has. Plain data; owned by the group
// (upstream.h), which never moves it.
#pragma once
#include <cstdint>

#include "worker/offramp/origin_server.h"

namespace sluice::worker {

struct Member {
  OriginServer* server = nullptr;
  std::uint32_t base_weight = 1;  ///< of the configuration
  std::uint32_t weight = 1;       ///< in force now
  std::uint32_t limit = 0;        ///< most places; 0: no limit
  std::uint32_t places = 0;       ///< requests that have it now
  bool serving = true;            ///< gets new requests
  std::int64_t credit = 0;        ///< of the smooth weighted round robin

  [[nodiscard]] bool has_room() const { return limit == 0 || places < limit; }
};

}  // namespace sluice::worker
