// Halt: how a connection is stopped from outside without losing a byte, to be handed over to another worker. Only those
// who can stop so take part: an HTTP/1 session between two requests, a tunnel.
#pragma once
#include <utility>

#include "base/signal.h"

namespace sluice::worker {

struct Halt {
  /// It is to stop where it can: looked at by who can.
  bool wanted = false;
  /// It has stopped and is on its way: nobody may touch its descriptors.
  bool in_transit = false;
  /// It belongs to another worker now; what is left of it here ends without a word to anybody.
  bool moved = false;
  /// Wakes who waits where it can stop; null while it cannot.
  Signal* wake = nullptr;
};

/// While it lives, `wake` can be set to stop who waits.
class Haltable {
 public:
  Haltable(Halt& halt, Signal& wake) : halt_(halt) { halt_.wake = &wake; }
  Haltable(Haltable&&) = delete;
  ~Haltable() { halt_.wake = nullptr; }

 private:
  Halt& halt_;
};

}  // namespace sluice::worker
