// WaitingLine: those who wait for a limit to let them through, first come, first served.
//
// Whoever frees something calls the first in line; it has its turn, tries, and either leaves the line or stays in front
// until it is called again. Whoever had its turn and leaves, served, too late or cancelled, calls the next: no call is
// lost. A visitor is an object on the waiting frame and leaves by its destructor. Owned by an upstream group.
#pragma once
#include <cstddef>

#include "base/signal.h"

namespace sluice::worker {

class WaitingLine {
 public:
  class Visitor;

  WaitingLine() = default;
  WaitingLine(WaitingLine&&) = delete;
  ~WaitingLine() { SLUICE_CHECK(first_ == nullptr, "a line dies while somebody stands in it"); }

  [[nodiscard]] bool empty() const { return first_ == nullptr; }
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Something is free: the first has its turn.
  void call();

 private:
  Visitor* first_ = nullptr;
  Visitor* last_ = nullptr;
  std::size_t size_ = 0;
};

class WaitingLine::Visitor {
 public:
  /// Joins at the end. Lifetime: the line outlives it.
  explicit Visitor(WaitingLine& line);
  Visitor(Visitor&&) = delete;
  ~Visitor();

  /// kReady: it is our turn, or we were dismissed.
  [[nodiscard]] SignalWait turn(Loop& loop, Deadline deadline) { return turn_.wait(loop, deadline); }
  /// The turn was in vain: waits in front for the next.
  void stay();
  /// Nobody wants what is waited for any more.
  void dismiss() {
    dismissed_ = true;
    turn_.set();
  }
  [[nodiscard]] bool dismissed() const { return dismissed_; }

 private:
  friend class WaitingLine;
  WaitingLine& line_;
  Visitor* before_ = nullptr;
  Visitor* behind_ = nullptr;
  Signal turn_;
  bool called_ = false;
  bool dismissed_ = false;
};

}  // namespace sluice::worker
