// See datagram_series.h.
#include "worker/telemetry/datagram_series.h"

#include "base/check.h"

namespace sluice::worker {

std::string_view name(Dropped why) {
  switch (why) {
    case Dropped::kRate:
      return "rate";
    case Dropped::kSourceFlows:
      return "source_flows";
    case Dropped::kFlows:
      return "flows";
    case Dropped::kReflection:
      return "reflection";
    case Dropped::kUnclear:
      return "unclear";
    case Dropped::kForward:
      return "forward";
    case Dropped::kSend:
      return "send";
  }
  SLUICE_CHECK(false, "no such reason");
}

DatagramSeries::DatagramSeries(ipc::MetricsWriter& to, std::string endpoint) : to_(to), endpoint_(std::move(endpoint)) {
  const ipc::Labels labels = {{"endpoint", endpoint_}};
  received = to.counter("sluice_udp_received_total", "Datagrams received from clients.", labels);
  received_bytes = to.counter("sluice_udp_received_bytes_total", "Bytes of datagrams received from clients.", labels);
  sent = to.counter("sluice_udp_sent_total", "Datagrams sent to clients.", labels);
  sent_bytes = to.counter("sluice_udp_sent_bytes_total", "Bytes of datagrams sent to clients.", labels);
  forwarded =
      to.counter("sluice_udp_forwarded_total", "Datagrams passed on to the worker that has their flow.", labels);
  flows = to.counter("sluice_udp_flows_total", "Flows begun.", labels);
  flows_open = to.gauge("sluice_udp_flows_open", "Flows that have not been silent for their idle_timeout.", labels);
}

void DatagramSeries::count_dropped(Dropped why) {
  dropped_.count(slot_of(why), [&] {
    return to_.counter("sluice_udp_dropped_total", "Datagrams that got no answer.",
                       {{"endpoint", endpoint_}, {"reason", name(why)}});
  });
}

}  // namespace sluice::worker
