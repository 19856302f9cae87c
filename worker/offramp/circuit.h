// Circuit: a circuit breaker in front of an upstream. While most of its requests fail, asking it makes nothing better:
// requests are turned away for a time, then a few go through on trial.
//
//   closed ── too many failures in the window ──▶ open ── open_time ──▶ on trial ── all trials succeed ──▶ closed
//                                                  ▲                       │
//                                                  └── a trial fails ──────┘
//
// Values and times in, a verdict out. The window is ten slices of time, so counting is one addition.
#pragma once
#include <array>
#include <cstdint>

#include "base/time.h"
#include "ipc/settings/health.h"

namespace sluice::worker {

class Circuit {
 public:
  enum class State : std::uint8_t { kClosed, kOpen, kOnTrial };
  enum class Outcome : std::uint8_t { kSuccess, kFailure };

  explicit Circuit(const ipc::CircuitSettings& settings) : settings_(settings) {}
  [[nodiscard]] const ipc::CircuitSettings& settings() const { return settings_; }

  /// May a request go through?
  [[nodiscard]] bool lets_through(Nanos now);
  /// What became of one. True when the state has changed.
  bool report(Outcome outcome, Nanos now);
  [[nodiscard]] State state() const { return state_; }

 private:
  struct Slice {
    std::int64_t number = -1;  // since boot
    std::uint32_t requests = 0;
    std::uint32_t failures = 0;
  };
  static constexpr std::size_t kSlices = 10;

  [[nodiscard]] std::int64_t slice_number(Nanos now) const;
  void count(Outcome outcome, Nanos now);
  [[nodiscard]] bool fails_too_often(Nanos now) const;
  void open(Nanos now);

  ipc::CircuitSettings settings_;
  State state_ = State::kClosed;
  std::array<Slice, kSlices> slices_{};
  Nanos until_{0};           // of kOpen; of kOnTrial: when trials without an outcome are given up
  std::uint32_t given_ = 0;  // trials
  std::uint32_t succeeded_ = 0;
};

[[nodiscard]] std::string_view name(Circuit::State state);

}  // namespace sluice::worker
