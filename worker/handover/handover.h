// HandOver: the old worker's side of restart/handover.h: all channels to workers of the new generation that it has
// been given, and who waits for an answer on them.
//
// The idea: whoever has something to hand over stops, describes it, and awaits move(); it goes on as before when move()
// fails, and is gone when it succeeds. Channels share the work in turn; one that fails is shut down, and what was on it
// is tried on the next. Owned by the worker. Lifetime: outlives everybody who waits for move().
#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "base/fd.h"
#include "base/loop.h"
#include "base/result.h"
#include "base/scope.h"
#include "base/task.h"
#include "ipc/messages.h"
#include "restart/handover.h"
#include "worker/telemetry/record.h"

namespace sluice::worker {

class Passage;

class HandOver {
 public:
  explicit HandOver(Loop& loop);
  HandOver(HandOver&&) = delete;
  ~HandOver();

  /// One more channel.
  void add(const ipc::HandOver& order, Fd channel);
  /// Somebody is there to take over what is of this kind.
  [[nodiscard]] bool offers(Moving what) const;
  /// Waits until somebody listens, whose connections need not wait then; false when nobody is there any more.
  [[nodiscard]] Task<bool> somebody_listens();
  /// Ends when the connection belongs to another worker, or with an error when it stays: kUnavailable when nobody is
  /// there, kForbidden when the other worker refuses, with its words. `fds` are borrowed and must not be used
  /// meanwhile.
  [[nodiscard]] Task<Result<>> move(const restart::MovedConnection& connection, std::span<const int> fds);
  /// On their way now.
  [[nodiscard]] std::size_t under_way() const { return under_way_; }

 private:
  [[nodiscard]] Passage* next();

  Loop& loop_;
  bool idle_ = false;
  bool tunnels_ = false;
  std::size_t turn_ = 0;
  std::size_t under_way_ = 0;
  std::vector<std::unique_ptr<Passage>> passages_;
  Scope tasks_;  // last: they use the passages
};

}  // namespace sluice::worker
