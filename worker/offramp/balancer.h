// Balancer: which server gets the next request. It sees members and a request's key, no sockets and no clock.
//
// Whatever the method: a member that does not serve, has no room or has been tried for this request is passed over.
// Nothing allocates after construction.
#pragma once
#include <cstdint>
#include <optional>
#include <span>

#include "ipc/settings/upstream.h"
#include "worker/offramp/hash_ring.h"
#include "worker/offramp/member.h"
#include "worker/offramp/small_random.h"

namespace sluice::worker {

/// What a request says about its server.
struct Wanted {
  std::optional<std::uint64_t> key;        ///< hash of what requests are held together by, see balance_key.h
  std::span<const Member* const> tried{};  ///< where it has failed
};

class Balancer {
 public:
  /// Lifetime: the members outlive it and stay where they are.
  Balancer(ipc::Balance method, MemberList members);
  Balancer(Balancer&&) = delete;

  /// Null when no member can take it.
  [[nodiscard]] Member* pick(const Wanted& wanted);
  /// After a weight has changed.
  void weights_changed();

 private:
  [[nodiscard]] Member* in_turn(const Wanted& wanted);
  [[nodiscard]] Member* smooth(const Wanted& wanted);
  [[nodiscard]] Member* least(const Wanted& wanted);
  [[nodiscard]] Member* better_of_two(const Wanted& wanted);
  [[nodiscard]] Member* by_key(const Wanted& wanted);

  ipc::Balance method_;
  MemberList members_;
  std::optional<HashRing> ring_;
  std::size_t turn_ = 0;
  SmallRandom random_;
  bool equal_weights_ = true;
};

}  // namespace sluice::worker
