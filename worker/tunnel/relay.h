// relay(): moves bytes both ways between two streams until both have ended, with half-close, back-pressure and
// timeouts. It knows nothing of who they are: CONNECT, WebSocket and whatever comes later use the same function.
//
// A direction begins with reads and writes through one pooled block, which it holds only while bytes are in it; when
// the reads come back full and both ends are plain sockets it goes over to splice(2), where the bytes never enter this
// process.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/loop.h"
#include "base/result.h"
#include "base/task.h"
#include "worker/flow/client_side.h"
#include "worker/flow/halt.h"
#include "worker/tunnel/direction.h"

namespace sluice::worker {

struct TunnelTimeouts {
  Millis idle{0};        ///< no byte either way; 0: none
  Millis half_close{0};  ///< one direction has ended, no byte in the other
  Millis total{0};
};

/// Why a tunnel ended.
enum class TunnelEnding : std::uint8_t {
  kFinished,
  kIdle,
  kHalfClosed,
  kTotal,
  kClientFailed,
  kOriginFailed,
  kHalted,  ///< it has not ended: relay() can go on with it
};
[[nodiscard]] std::string_view name(TunnelEnding ending);

struct TunnelOutcome {
  TunnelEnding ending = TunnelEnding::kFinished;
  std::optional<Error> error;  ///< of kClientFailed and kOriginFailed
};

/// How far it has come, for a relay() that goes on with it.
struct TunnelProgress {
  explicit TunnelProgress(Nanos now) : started(now), last_byte(now) {}
  Nanos started;
  Nanos last_byte;
  bool client_ended = false;  ///< and the origin has been told
  bool origin_ended = false;  ///< and the client has been told
};

/// Bytes that have left, readable while the tunnel runs and after it was cancelled. Exact in the splice path too.
struct TunnelCounts {
  /// `origin` and `client`: bytes that have gone to each already.
  explicit TunnelCounts(ipc::ConnectionSlot& row, std::uint64_t origin = 0, std::uint64_t client = 0)
      : to_origin(row, ByteCount::Shown::kIn, origin), to_client(row, ByteCount::Shown::kOut, client) {}

  ByteCount to_origin;
  ByteCount to_client;
  bool spliced = false;
};

/// Lifetime: everything given must outlive the task. After a failure or a timeout both streams close with a reset, so
/// that nobody takes the cut for an end. When a halt is wanted it ends with kHalted: the bytes that it holds are in the
/// ends' `early`, and `progress` says the rest.
Task<TunnelOutcome> relay(Loop& loop, TunnelEnd client, TunnelEnd origin, const TunnelTimeouts& timeouts,
                          TunnelCounts& counts, TunnelProgress& progress, Halt& halt);

}  // namespace sluice::worker
