// dial(): from a list of addresses to one connected socket, by happy eyeballs (RFC 8305 section 5).
//
// The idea: attempts start one after the other, `attempt_delay` apart, or at once when the one before has failed; the
// first that connects wins and the others are closed. Each attempt is a task in the scope of the call, so giving up,
// winning and being cancelled are the same thing: the scope ends. `permitted` is asked with the very address that then
// goes into connect(2), at that moment: this is where the egress policy stands (egress_policy.h). Addresses that are
// learned while attempts are under way join the queue through LateCandidates (section 3: the slow family of a name).
#pragma once
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/fd_events.h"
#include "base/loop.h"
#include "base/net/address.h"
#include "base/result.h"
#include "base/signal.h"
#include "base/task.h"
#include "worker/offramp/source_addresses.h"

namespace sluice::worker {

/// RFC 8305 section 8: the recommended delay and its bounds; others are clamped to these.
inline constexpr Millis kAttemptDelay{250};
inline constexpr Millis kMinAttemptDelay{10};
inline constexpr Millis kMaxAttemptDelay{2000};

/// Addresses that become known while dial() is at work. Whoever looks them up adds them and, in any case, says
/// finish(): until then a dial() whose attempts have all failed waits for more.
class LateCandidates {
 public:
  void add(std::vector<SocketAddress> more) {
    waiting_.insert(waiting_.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    changed_.set();
  }
  void finish() {
    finished_ = true;
    changed_.set();
  }

 private:
  friend struct Race;
  std::vector<SocketAddress> waiting_;
  Signal changed_;
  bool finished_ = false;
};

struct DialRequest {
  /// In the order in which to try: the resolver interleaves the families. Lifetime: until dial() is done.
  std::span<const SocketAddress> candidates;
  /// More of them to come, or null. Lifetime: until dial() is done; one dial() only.
  LateCandidates* late = nullptr;
  /// An error keeps the address out of the race and goes into the report. Not set: everything is permitted.
  std::function<Result<>(const SocketAddress&)> permitted;
  /// Where the connections come from; null or any(): the kernel chooses. An address whose family has none is not tried.
  /// Lifetime: until dial() is done.
  const SourceAddresses* sources = nullptr;
  Millis attempt_delay = kAttemptDelay;
  /// Of one attempt; then it has failed. Zero: as long as the kernel tries.
  Millis connect_timeout{5000};
  /// Of all attempts together.
  Deadline deadline;
};

struct Connected {
  Fd fd;            ///< non-blocking, close-on-exec, TCP_NODELAY
  FdEvents events;  ///< of `fd`; what the peer has sent since it accepted is known
  SocketAddress peer;
};

/// Errors: what became of each attempt is in the message. kDestinationForbidden when policy refused every one
/// (Side::kUs, Retry::kNo); kTimeout when the deadline passed first; otherwise the code of the last failed connect
/// (Side::kOrigin, Retry::kYes: nothing has been sent). Cancel: at any point; every socket is closed.
[[nodiscard]] Task<Result<Connected>> dial(Loop& loop, const DialRequest& request);

}  // namespace sluice::worker
