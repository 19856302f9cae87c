// UpstreamGroup: the servers that serve the same things, with the limits on how much they are asked at a time; Place: a
// request's right to use one of them.
//
// Every request to an origin holds a Place from before the connection is got until the exchange on it is over; the
// limits count places, so they hold for dialling too. HTTP/1.1 carries one request on a connection at a time: places of
// a server plus its idle connections are its connections. Reverse proxying makes its groups from the configuration;
// a forward origin is a group of one (origin_pool.h). Limits are each worker's own.
//
// Nothing here allocates per request. Who finds no place waits in line() (worker/flow/attempt.cc does the waiting).
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ipc/settings/upstream.h"
#include "worker/offramp/balancer.h"
#include "worker/offramp/member.h"
#include "worker/offramp/waiting_line.h"

namespace sluice::worker {

class UpstreamGroup;

/// Movable; an empty one holds nothing. Lifetime: the group outlives it.
class Place {
 public:
  Place() = default;
  Place(Place&& other) noexcept
      : group_(std::exchange(other.group_, nullptr)), member_(std::exchange(other.member_, nullptr)) {}
  Place& operator=(Place&& other) noexcept {
    std::swap(group_, other.group_);
    std::swap(member_, other.member_);
    return *this;
  }
  ~Place();

  explicit operator bool() const { return member_ != nullptr; }
  [[nodiscard]] OriginServer& server() const { return *member_->server; }
  [[nodiscard]] Member& member() const { return *member_; }

 private:
  friend class UpstreamGroup;
  Place(UpstreamGroup& group, Member& member) : group_(&group), member_(&member) {}
  UpstreamGroup* group_ = nullptr;
  Member* member_ = nullptr;
};

class UpstreamGroup {
 public:
  /// A group of the configuration.
  UpstreamGroup(const ipc::UpstreamSettings& settings, UpstreamIndex index);
  /// A forward origin.
  UpstreamGroup(const ipc::UpstreamSettings& settings, std::string host, std::uint16_t port);
  UpstreamGroup(UpstreamGroup&&) = delete;

  [[nodiscard]] const std::string& name() const { return settings_.name; }
  [[nodiscard]] const ipc::UpstreamSettings& settings() const { return settings_; }
  [[nodiscard]] UpstreamIndex index() const { return index_; }
  [[nodiscard]] std::size_t size() const { return members_.size(); }

  /// A place at the server that the balancer picks; an empty one when none has room, or the group as a whole is full.
  [[nodiscard]] Place take_place(const Wanted& wanted);
  /// Those who wait for one. While somebody does, newcomers queue up behind.
  [[nodiscard]] WaitingLine& line() { return line_; }
  /// A connection to a server is about to be made: closes an idle one elsewhere when there would be too many.
  void make_room(PathMetrics& metrics);

  void sweep(Nanos now, PathMetrics& metrics);
  [[nodiscard]] std::size_t idle() const;
  [[nodiscard]] std::uint32_t places() const { return places_; }

 private:
  friend class Place;
  void add(std::string host, std::uint16_t port, const ipc::ServerSettings& options);
  void give_back(Member& member);

  const ipc::UpstreamSettings& settings_;
  UpstreamIndex index_;
  std::uint32_t most_places_;  // 0: no limit
  std::uint32_t places_ = 0;
  std::vector<std::unique_ptr<OriginServer>> servers_;
  std::vector<Member> members_;  // in the order of the settings; never grows after construction
  std::optional<Balancer> balancer_;
  WaitingLine line_;
};

inline Place::~Place() {
  if (member_ != nullptr) group_->give_back(*member_);
}

}  // namespace sluice::worker
