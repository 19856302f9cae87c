// One epoll and one clock: who is called when a socket is ready or a time has come.
//
// An Actor has at most one socket and one next time. Actors live as long as the loop that knows them, so nothing here
// owns anything; a time that an actor has changed its mind about is skipped when it comes.
#pragma once
#include <sys/epoll.h>

#include <queue>
#include <vector>

#include "base/fd.h"
#include "tests/restart/load/counts.h"

namespace sluice::load {

class Actor {
 public:
  Actor() = default;
  Actor(const Actor&) = delete;
  Actor& operator=(const Actor&) = delete;
  virtual ~Actor() = default;

  virtual void ready(std::uint32_t events) = 0;
  virtual void time_came() = 0;

 protected:
  Time due_ = Time::max();

 private:
  friend class Loop;
};

class Loop {
 public:
  Loop();

  void watch(int socket, std::uint32_t events, Actor& actor);
  void change(int socket, std::uint32_t events, Actor& actor);
  /// Calls time_came() then, in place of what was agreed before; Time::max() for never.
  void call_at(Time when, Actor& actor);
  /// Waits for at most `longest`, and calls whom something happened to.
  void turn(std::chrono::milliseconds longest);

 private:
  struct Entry {
    Time when;
    Actor* actor;
    bool operator>(const Entry& other) const { return when > other.when; }
  };
  void control(int what, int socket, std::uint32_t events, Actor& actor);

  Fd epoll_;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> times_;
};

}  // namespace sluice::load
