// Health: whether a server of a group is fit to get requests, by what happened to them (passive) and by probes
// (active).
//
// Two judges, and both must be content: requests eject a server for a time that doubles, probes take it down until they
// succeed again. Values and times in, a verdict out: no clock, no sockets. Owned by its member.
//
//            `failures` in a row                       `fall` probes failed
//   well ──────────────────────▶ ejected      well ──────────────────────▶ down
//    ▲                               │         ▲                              │
//    └────── its time is over ───────┘         └────── `rise` succeeded ──────┘
#pragma once
#include <cstdint>

#include "base/error.h"
#include "base/time.h"
#include "ipc/settings/health.h"

namespace sluice::worker {

enum class Probe : std::uint8_t { kSucceeded, kFailed };

class Health {
 public:
  [[nodiscard]] bool well() const { return !ejected_ && !down_; }
  [[nodiscard]] bool ejected() const { return ejected_; }
  [[nodiscard]] bool down() const { return down_; }

  /// A request succeeded.
  void succeeded() { failures_ = 0; }
  /// A request failed. True: the server is ejected from now on.
  [[nodiscard]] bool failed(const ipc::PassiveHealthSettings& settings, Nanos now);
  /// True when an ejection is over.
  [[nodiscard]] bool returns(Nanos now);
  /// True when down() has changed.
  [[nodiscard]] bool probed(Probe result, const ipc::ActiveHealthSettings& settings);

  /// Nobody probes it any more: what probes have said is forgotten.
  void forget_probes() {
    down_ = false;
    streak_ = 0;
  }

  /// When returns() has something to say.
  [[nodiscard]] Nanos until() const { return ejected_ ? until_ : Nanos::max(); }
  [[nodiscard]] std::uint64_t ejections() const { return ejections_; }

 private:
  bool ejected_ = false;
  bool down_ = false;
  std::uint32_t failures_ = 0;  // requests in a row
  std::uint32_t streak_ = 0;    // probes in a row that speak against the present verdict
  std::uint64_t ejections_ = 0;
  Nanos last_time_{0};  // how long the last ejection was
  Nanos until_{0};      // when it ends or ended
};

}  // namespace sluice::worker
