// UpstreamGroup: the servers that serve the same things, which of them are well, and the limits on how much they are
// asked at a time; Place: a request's right to use one of them.
//
// Every request to an origin holds a Place from before the connection is got until the exchange on it is over; the
// limits count places, so they hold for dialling too. HTTP/1.1 carries one request on a connection at a time: places of
// a server plus its idle connections are its connections. Reverse proxying makes its groups from the configuration;
// a forward origin is a group of one (origin_pool.h). Limits and health are each worker's own.
//
// The settings of a group may change while it is in use (adopt): servers that stay keep their connections, their health
// and their counts; one that goes lives on until its last request has ended. So nobody keeps a reference into
// settings() across an await.
//
// Nothing here allocates per request, and what is not configured costs a comparison. Who finds no place waits in line()
// (worker/flow/attempt.cc does the waiting).
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ipc/settings/upstream.h"
#include "worker/offramp/balancer.h"
#include "worker/offramp/circuit.h"
#include "worker/offramp/member.h"
#include "worker/offramp/retry_budget.h"
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
    Place taken(std::move(other));
    std::swap(group_, taken.group_);
    std::swap(member_, taken.member_);
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

/// What can become of a group; told when it happens.
enum class UpstreamEvent : std::uint8_t {
  kEjected,   ///< a server, by failing requests
  kReturned,  ///< … its time is over
  kDown,      ///< a server, by failing probes
  kUp,        ///< … and well again
  kPanic,     ///< too few servers are well: all get requests
  kCalm,      ///< … no longer
  kCircuit,   ///< the circuit has changed its state
};

class UpstreamWatcher {
 public:
  virtual ~UpstreamWatcher() = default;
  /// `member` is null for what concerns the group. `why` is null where there is no error.
  virtual void happened(const UpstreamGroup& group, const Member* member, UpstreamEvent event, const Error* why) = 0;
};

class UpstreamGroup {
 public:
  using Settings = std::shared_ptr<const ipc::UpstreamSettings>;

  /// A group of the configuration.
  UpstreamGroup(Settings settings, UpstreamIndex index);
  /// The same. Lifetime: the settings outlive it.
  UpstreamGroup(const ipc::UpstreamSettings& settings, UpstreamIndex index)
      : UpstreamGroup(Settings(Settings(), &settings), index) {}
  /// A forward origin.
  UpstreamGroup(const ipc::UpstreamSettings& settings, std::string host, std::uint16_t port);
  UpstreamGroup(UpstreamGroup&&) = delete;

  /// Lifetime: as long as the group.
  void tell(UpstreamWatcher& watcher) { watcher_ = &watcher; }

  [[nodiscard]] const std::string& name() const { return settings_->name; }
  [[nodiscard]] const ipc::UpstreamSettings& settings() const { return *settings_; }
  [[nodiscard]] UpstreamIndex index() const { return index_; }
  [[nodiscard]] const MemberList& members() const { return members_; }

  // upstream_adopt.cc
  /// Other settings of the same name hold from now on.
  void adopt(Settings settings, Nanos now, PathMetrics& metrics);
  /// How TLS is spoken to its servers from now on; null: not at all.
  void secure(const std::shared_ptr<const TlsClient>& tls, Nanos now, PathMetrics& metrics);
  [[nodiscard]] const std::shared_ptr<const TlsClient>& tls() const { return tls_; }
  /// The configuration does not have it any more: requests that are in it go on, nothing is kept for others.
  void retire(PathMetrics& metrics);

  /// A place at the server that the balancer picks; an empty one when none has room, or the group as a whole is full.
  [[nodiscard]] Place take_place(const Wanted& wanted, Nanos now);
  [[nodiscard]] std::size_t queued() const { return line_.size(); }
  /// Those who wait for one. While somebody does, newcomers queue up behind.
  [[nodiscard]] WaitingLine& line() { return line_; }
  /// Does any server get requests at all? Without one there is nothing to wait for.
  [[nodiscard]] bool serves() const { return serving_ != 0; }
  /// A connection to a server is about to be made: closes an idle one elsewhere when there would be too many.
  void make_room(PathMetrics& metrics);
  /// The same for one that many requests will share; false when there may be none.
  [[nodiscard]] bool may_share_another(OriginServer& server, PathMetrics& metrics);

  /// May another request go to the group at all? Counts it for the retry budget.
  [[nodiscard]] bool admits(Nanos now) {
    budget_.earn();
    return !circuit_ || circuit_admits(now);
  }
  /// May a request be tried once more?
  [[nodiscard]] bool may_retry(Nanos now) { return budget_.spend(now); }
  /// What became of a request at a server.
  void succeeded(Member& member, Nanos now) {
    member.health.succeeded();
    if (circuit_) report(Circuit::Outcome::kSuccess, now);
  }
  void failed(Member& member, const Error& error, Nanos now);
  /// What became of a probe.
  void probed(Member& member, const Result<>& result, Nanos now);

  /// Closes idle connections that are not fit any more; lets ejected servers return.
  void sweep(Nanos now, PathMetrics& metrics);
  [[nodiscard]] std::size_t idle() const;
  [[nodiscard]] std::uint32_t places() const { return places_; }
  /// Servers that are in use by the configuration and well.
  [[nodiscard]] std::uint32_t well() const;
  [[nodiscard]] bool panics() const { return panic_; }
  [[nodiscard]] Circuit::State circuit() const { return circuit_ ? circuit_->state() : Circuit::State::kClosed; }

 private:
  friend class Place;
  /// A server with its place in the group.
  struct Own {
    OriginServer server;
    Member member;
    Own(std::string host, std::uint16_t port, UpstreamIndex index, const ipc::OffRampSettings& settings)
        : server(std::move(host), port, index, settings) {
      member.server = &server;
    }
  };
  [[nodiscard]] static std::uint32_t most_places(const ipc::UpstreamSettings& settings);
  [[nodiscard]] std::unique_ptr<Own> make(std::string host, std::uint16_t port) const;
  void add(std::unique_ptr<Own> own, const ipc::ServerSettings& options);
  void make_members();
  void give_back(Member& member);
  [[nodiscard]] bool circuit_admits(Nanos now);
  void report(Circuit::Outcome outcome, Nanos now);
  /// Decides anew who serves, and when there is something to decide next.
  void settle(Nanos now);
  /// The share of a server that has just come back.
  [[nodiscard]] bool warm_up(Member& member, Nanos now) const;
  /// Ends ejections whose time is over.
  void refresh(Nanos now);
  void say(const Member* member, UpstreamEvent event, const Error* why = nullptr);

  Settings settings_;
  std::shared_ptr<const TlsClient> tls_;
  UpstreamIndex index_;
  std::uint32_t most_places_;  // 0: no limit
  std::uint32_t places_ = 0;
  std::uint32_t serving_ = 0;
  bool panic_ = false;
  Nanos next_change_ = Nanos::max();        // of health or weights, by time alone
  std::vector<std::unique_ptr<Own>> own_;   // in the order of the settings
  std::vector<std::unique_ptr<Own>> gone_;  // no longer in the settings, but requests have places there
  MemberList members_;                      // of own_
  std::optional<Balancer> balancer_;
  std::optional<Circuit> circuit_;
  RetryBudget budget_;
  UpstreamWatcher* watcher_ = nullptr;
  WaitingLine line_;
};

/// How TLS is spoken to the groups of a configuration, in its order; null: not at all.
using TlsClients = std::vector<std::shared_ptr<const TlsClient>>;

/// The groups of a configuration, in its order. Shared: requests that began under an earlier one may still use them.
using UpstreamGroups = std::vector<std::shared_ptr<UpstreamGroup>>;

inline Place::~Place() {
  if (member_ != nullptr) group_->give_back(*member_);
}

}  // namespace sluice::worker
