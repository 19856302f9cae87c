// SharedConnections: the HTTP/2 connections of one server, and who gets a stream on which.
//
// The oldest one with room is taken, so that the others may idle and go. One connection is dialled at a time, by the
// exchange that finds no room; whoever comes meanwhile stands in line(), and hears of its failure too. A connection
// that is not to be used again (GOAWAY, too old, other settings) is closed when its last stream has ended. Owned by the
// server (origin_server.h).
#pragma once
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "ipc/settings/off_ramp.h"
#include "worker/offramp/http2_origin.h"
#include "worker/offramp/waiting_line.h"
#include "worker/telemetry/record.h"

namespace sluice::worker {

class PathMetrics;
class SharedConnections;

/// The right to one stream of a connection. Movable; an empty one holds nothing. Lifetime: the server outlives it.
class Http2Place {
 public:
  Http2Place() = default;
  Http2Place(SharedConnections& owner, Http2Origin& origin);
  Http2Place(Http2Place&& other) noexcept
      : owner_(std::exchange(other.owner_, nullptr)), origin_(std::exchange(other.origin_, nullptr)) {}
  Http2Place& operator=(Http2Place&& other) noexcept {
    Http2Place taken(std::move(other));
    std::swap(owner_, taken.owner_);
    std::swap(origin_, taken.origin_);
    return *this;
  }
  ~Http2Place();

  explicit operator bool() const { return origin_ != nullptr; }
  [[nodiscard]] Http2Origin& origin() const { return *origin_; }

 private:
  SharedConnections* owner_ = nullptr;
  Http2Origin* origin_ = nullptr;
};

class SharedConnections {
 public:
  explicit SharedConnections(UpstreamIndex upstream) : upstream_(upstream) {}
  SharedConnections(SharedConnections&&) = delete;

  /// A stream of a connection that is there; an empty place when none has room.
  [[nodiscard]] Http2Place take(const ipc::PoolSettings& pool, Nanos now);
  /// A new connection, already open, and a stream of it. Lifetime: `metrics` outlive this.
  [[nodiscard]] Http2Place add(std::unique_ptr<Http2Origin> origin, PathMetrics& metrics);

  /// Stands for a dial that is under way; one at a time.
  class Dial {
   public:
    explicit Dial(SharedConnections& owner) : owner_(owner) { owner_.dialling_ = true; }
    Dial(Dial&&) = delete;
    ~Dial() {
      owner_.dialling_ = false;
      owner_.line_.call();
    }
    /// Those who wait for it are told.
    void failed(const Error& error) {
      ++owner_.failures_;
      owner_.failure_ = error;
    }

   private:
    SharedConnections& owner_;
  };
  [[nodiscard]] bool dialling() const { return dialling_; }
  /// Dials that have failed so far, and what the last one failed of.
  [[nodiscard]] std::uint64_t failures() const { return failures_; }
  [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }
  /// Those who wait for a stream.
  [[nodiscard]] WaitingLine& line() { return line_; }

  /// Connections that are open.
  [[nodiscard]] std::size_t size() const { return origins_.size(); }
  /// … and carry nothing.
  [[nodiscard]] std::size_t idle() const;
  /// Closes what died, idled too long or is too old.
  void sweep(const ipc::PoolSettings& pool, Nanos now);
  /// None of them gets new streams; those that carry nothing are closed.
  void retire();
  /// Closes one that carries nothing. False when there is none.
  bool close_one_idle();

 private:
  friend class Http2Place;
  void given_back(Http2Origin& origin);
  void remove(std::size_t index);

  UpstreamIndex upstream_;
  PathMetrics* metrics_ = nullptr;  // from the first connection on
  bool dialling_ = false;
  std::uint64_t failures_ = 0;
  std::optional<Error> failure_;
  WaitingLine line_;
  std::vector<std::unique_ptr<Http2Origin>> origins_;  // the oldest first
};

}  // namespace sluice::worker
