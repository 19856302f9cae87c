// DatagramSeries: the numbers of an endpoint for datagrams, in the shared slab (docs/metrics.md). Owned by the
// endpoint.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "ipc/metrics.h"
#include "worker/telemetry/path_series.h"

namespace sluice::worker {

/// Why a datagram got no answer.
enum class Dropped : std::uint8_t {
  kRate,         ///< its source sends too many
  kSourceFlows,  ///< its source has too many flows
  kFlows,        ///< there are too many flows
  kReflection,   ///< it comes from where only services send from: its answer would be answered
  kUnclear,      ///< it came cut short, or without the address it was sent to
  kForward,      ///< the worker that has its flow did not take it
  kSend,         ///< the kernel did not take the answer
};
[[nodiscard]] std::string_view name(Dropped why);

class DatagramSeries {
 public:
  DatagramSeries(ipc::MetricsWriter& to, std::string endpoint);

  void count_dropped(Dropped why);
  ipc::Counter received;
  ipc::Counter received_bytes;
  ipc::Counter sent;
  ipc::Counter sent_bytes;
  ipc::Counter forwarded;
  ipc::Counter flows;
  ipc::Gauge flows_open;

 private:
  ipc::MetricsWriter& to_;
  std::string endpoint_;
  LazyCounters<slot_of(Dropped::kSend) + 1> dropped_;
};

}  // namespace sluice::worker
