// One connection at a time, made again and again: what all clients of the load have in common.
//
// A client connects, does something on the connection and tells the counts how it ended. It never tries a request
// again: what is lost is lost, and counted. Clients are owned by main() and live to its end.
#pragma once
#include <sys/socket.h>

#include <functional>
#include <optional>
#include <span>

#include "tests/restart/load/counts.h"
#include "tests/restart/load/loop.h"
#include "tests/restart/load/plan.h"

namespace sluice::load {

/// What all clients share.
struct World {
  const Plan& plan;
  const Pattern& pattern;
  Loop& loop;
  Counts& counts;
  bool stopping = false;
  /// Called when a client that has no plan of its own (a rate decides) may be started again.
  std::function<void(class Caller&)> free;
};

/// Whoever asks for something, over TCP or not.
class Caller : public Actor {
 public:
  /// Begins what the plan says; times count from `since`.
  virtual void start(Time since) = 0;
  /// No new request from now on; what is open comes to its end.
  virtual void stop() = 0;
  /// Nothing is open any more.
  [[nodiscard]] virtual bool quiet() const = 0;
};

/// A socket of this type at one of many addresses of ours: the ports of one would run out.
Fd socket_from(std::uint32_t number, int type);

class Client : public Caller {
 public:
  Client(World& world, std::uint32_t number) : world_(world), number_(number) {}

  void start(Time since) final;
  [[nodiscard]] bool quiet() const final { return !socket_; }
  void ready(std::uint32_t events) final;

 protected:
  /// The connection is there.
  virtual void connected() = 0;
  /// Bytes came.
  virtual void received(std::string_view bytes) = 0;
  /// There is room for more bytes.
  virtual void writable() = 0;
  /// The other side has ended the connection, in order (error 0) or not. The socket is still there.
  virtual void ended(int error) = 0;
  /// The connection did not come about, and is counted; the socket is gone.
  virtual void not_connected() = 0;

  /// Writes as much as there is room for; how much that was.
  std::size_t write(std::string_view bytes);
  void close();
  [[nodiscard]] bool connecting() const { return connecting_; }
  /// Whether bytes are taken from the socket as they come, and whether writable() is wanted.
  void want(bool reads, bool writes);
  void in(Clock::duration time) { world_.loop.call_at(Clock::now() + time, *this); }
  void count(Kind kind) { world_.counts.add(kind); }

  World& world_;
  std::uint32_t number_;
  Time since_;

 private:
  void fail_to_connect(int error);

  Fd socket_;
  bool connecting_ = false;
  std::uint32_t wanted_ = 0;
};

}  // namespace sluice::load
