// What became of connections and requests, and how long they took, phase by phase.
//
// Every connection and request of the load ends in exactly one of the kinds below, so nothing that a client loses can
// hide in a sum. Single-threaded, like the program; written out once, as JSON.
#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::load {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

enum class Kind : std::uint8_t {
  kOk,               ///< a whole answer with the status it should have
  kRefused,          ///< nobody listens
  kUnreachable,      ///< the connection did not come about for another reason
  kResetFresh,       ///< reset or ended before the answer to the first request
  kLostReused,       ///< reset or ended before the answer to a later request
  kIdleUnannounced,  ///< a connection between two requests was ended without a word before
  kPartial,          ///< the answer stopped in the middle
  kTimeout,          ///< nothing came in time
  kStatus,           ///< another status
  kWrong,            ///< bytes that nobody sent, or in another order
  kTunnelLost,       ///< a tunnel ended though nobody ended it
  kCloseAnnounced,   ///< the answer said Connection: close: no loss
  kConnections,      ///< connections made
  kMessages,         ///< messages that came back through a tunnel
};
inline constexpr std::array<std::string_view, 14> kKindNames = {
    "ok",      "refused", "unreachable", "reset_fresh", "lost_reused",     "idle_unannounced", "partial",
    "timeout", "status",  "wrong",       "tunnel_lost", "close_announced", "connections",      "messages"};

/// Durations in buckets 3 % wide: exact enough for a percentile, and of a fixed size.
class Histogram {
 public:
  void add(std::chrono::microseconds time);
  /// The duration in microseconds that a part `share` (0 to 1) of all does not exceed; 0 without any.
  [[nodiscard]] std::uint64_t percentile(double share) const;

 private:
  std::array<std::uint64_t, 1024> buckets_{};
  std::uint64_t all_ = 0;
};

/// The counts of all phases; one is current.
class Counts {
 public:
  Counts() { begin("before"); }

  void begin(std::string phase);
  void add(Kind kind) { ++phases_.back().kinds[static_cast<std::size_t>(kind)]; }
  void took(Clock::duration time);
  /// A connection is being opened now; the JSON has how many that were in each tenth of a second.
  void opened();
  [[nodiscard]] std::string json() const;

 private:
  struct Phase {
    std::string name;
    std::array<std::uint64_t, kKindNames.size()> kinds{};
    Histogram times;
  };
  std::vector<Phase> phases_;
  std::vector<std::uint32_t> opened_;
  Time start_ = Clock::now();
};

}  // namespace sluice::load
