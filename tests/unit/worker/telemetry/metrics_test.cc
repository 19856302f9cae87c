// The path's metrics in a slab: what is counted where, over a restart too, and that docs/metrics.md lists them all.
#include "worker/telemetry/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>

#include "base/check.h"
#include "base/log.h"
#include "ipc/metrics.h"
#include "ipc/metrics_reader.h"
#include "ipc/settings/tenant.h"
#include "worker/telemetry/access_log.h"
#include "worker/telemetry/path_series.h"
#include "worker/telemetry/sampler.h"

namespace sluice::worker {
namespace {

using std::chrono::milliseconds;

const TrafficNames kNames{.endpoints = {"web", "proxy"}, .routes = {{"*/", "a.test/api"}}, .upstreams = {"pool"}};

/// A slab and what a reader sees in it.
class Shared {
 public:
  Shared() : fd_(*ipc::make_slab("test", 16)), reader_(*ipc::SlabReader::open(fd_.get())) {}
  [[nodiscard]] ipc::Slab attach() const { return *ipc::Slab::attach(fd_.get()); }
  [[nodiscard]] ipc::MetricsSnapshot snapshot() const {
    auto read = ipc::read_metrics(*reader_.view());
    EXPECT_EQ(read.rejected, 0U);
    return read;
  }
  /// "name{label=value,…}" with its value; of a histogram the number of observations.
  [[nodiscard]] std::map<std::string, std::int64_t> values() const {
    std::map<std::string, std::int64_t> all;
    for (const auto& family : snapshot().families) {
      for (const auto& series : family.series) {
        std::string key = family.name + "{";
        for (const auto& label : series.labels) key += label.name + "=" + label.value + ",";
        if (key.ends_with(",")) key.pop_back();
        all[key + "}"] =
            family.kind == ipc::MetricKind::kGauge ? series.level : static_cast<std::int64_t>(series.count);
      }
    }
    return all;
  }

 private:
  Fd fd_;
  ipc::SlabReader reader_;
};

TEST(PathMetrics, CountsARequestByEndpointStatusAndTime) {
  const Shared shared;
  ipc::Slab slab = shared.attach();
  ipc::MetricsWriter writer(slab);
  PathMetrics metrics(writer, kNames);
  metrics.connection_accepted(1);
  metrics.request_started(1);
  EXPECT_EQ(shared.values().at("sluice_requests_open{endpoint=proxy}"), 1);
  const Error error(Code::kReset);
  metrics.request_finished({.ended = Ended::kOrigin,
                            .status = 502,
                            .endpoint = 1,
                            .bytes_in = 100,
                            .bytes_out = 2000,
                            .duration = milliseconds(7),
                            .error = &error});
  metrics.connection_closed(1);
  const auto values = shared.values();
  EXPECT_EQ(values.at("sluice_requests_open{endpoint=proxy}"), 0);
  EXPECT_EQ(values.at("sluice_connections_open{endpoint=proxy}"), 0);
  EXPECT_EQ(values.at("sluice_connections_accepted_total{endpoint=proxy}"), 1);
  EXPECT_EQ(values.at("sluice_requests_total{endpoint=proxy,status=502}"), 1);
  EXPECT_EQ(values.at("sluice_request_duration_seconds{endpoint=proxy}"), 1);
  EXPECT_EQ(values.at("sluice_client_received_bytes_total{endpoint=proxy}"), 100);
  EXPECT_EQ(values.at("sluice_client_sent_bytes_total{endpoint=proxy}"), 2000);
  EXPECT_EQ(values.at("sluice_requests_cut_total{by=origin,endpoint=proxy}"), 1);
  EXPECT_EQ(values.at("sluice_request_errors_total{endpoint=proxy,error=reset}"), 1);
  EXPECT_EQ(values.at("sluice_client_sent_bytes_total{endpoint=web}"), 0) << "the other endpoint is untouched";
  for (const auto& family : shared.snapshot().families) {
    if (family.name != "sluice_request_duration_seconds") continue;
    EXPECT_DOUBLE_EQ(family.series.at(1).sum, 0.007);
    EXPECT_EQ(family.series.at(1).buckets.at(3), 1U) << "7 ms belong below 10 ms";
  }
}

TEST(PathMetrics, CountsATunnelsBytesApart) {
  const Shared shared;
  ipc::Slab slab = shared.attach();
  ipc::MetricsWriter writer(slab);
  PathMetrics metrics(writer, kNames);
  metrics.request_started(0);
  metrics.tunnel_opened(0);
  EXPECT_EQ(shared.values().at("sluice_tunnels_open{endpoint=web}"), 1);
  metrics.request_finished(
      {.kind = AccessRecord::Kind::kTunnel, .status = 200, .bytes_in = 5, .bytes_out = 9, .reason = "closed"});
  const auto values = shared.values();
  EXPECT_EQ(values.at("sluice_tunnels_open{endpoint=web}"), 0);
  EXPECT_EQ(values.at("sluice_tunnels_opened_total{endpoint=web}"), 1);
  EXPECT_EQ(values.at("sluice_tunnel_received_bytes_total{endpoint=web}"), 5);
  EXPECT_EQ(values.at("sluice_tunnel_sent_bytes_total{endpoint=web}"), 9);
  EXPECT_EQ(values.at("sluice_client_sent_bytes_total{endpoint=web}"), 0);
  EXPECT_EQ(values.at("sluice_request_duration_seconds{endpoint=web}"), 0);
}

TEST(PathMetrics, GoOnFromTheLastIncarnation) {
  const Shared shared;
  for (std::int64_t life = 1; life <= 3; ++life) {
    ipc::Slab slab = shared.attach();
    ipc::MetricsWriter writer(slab);
    PathMetrics metrics(writer, kNames);
    const auto born = shared.values();
    EXPECT_EQ(born.at("sluice_connections_open{endpoint=web}"), 0) << "gauges start at 0";
    metrics.connection_accepted(0);  // and is never closed: this worker crashes
    metrics.request_finished({.status = 200, .duration = milliseconds(1)});
    metrics.origin_connected(0, milliseconds(1));
    metrics.sample({.access_lines = 10, .processor_time = milliseconds(5)});
    metrics.sample({.access_lines = 12, .processor_time = milliseconds(6)});
    const auto values = shared.values();
    EXPECT_EQ(values.at("sluice_worker_starts_total{}"), life);
    EXPECT_EQ(values.at("sluice_connections_accepted_total{endpoint=web}"), life);
    EXPECT_EQ(values.at("sluice_requests_total{endpoint=web,status=200}"), life);
    EXPECT_EQ(values.at("sluice_request_duration_seconds{endpoint=web}"), life);
    EXPECT_EQ(values.at("sluice_origin_connects_total{upstream=pool}"), life);
    EXPECT_EQ(values.at("sluice_access_log_lines_total{}"), 12 * life);
    EXPECT_EQ(values.at("sluice_cpu_nanoseconds_total{}"), 6'000'000 * life);
    EXPECT_EQ(values.at("sluice_connections_open{endpoint=web}"), 1);
  }
}

TEST(PathMetrics, MadeUpStatusesMakeNoSeries) {
  std::set<std::string> names;
  for (unsigned status = 0; status <= 65535; ++status) {
    const std::size_t slot = status_slot(static_cast<std::uint16_t>(status));
    ASSERT_LT(slot, kStatusSlots);
    names.insert(status_name(slot));
  }
  EXPECT_EQ(names.size(), kStatusSlots);
  EXPECT_EQ(status_name(status_slot(0)), "none");
  EXPECT_EQ(status_name(status_slot(299)), "2xx");
  EXPECT_EQ(status_name(status_slot(404)), "404");
  EXPECT_EQ(status_name(status_slot(700)), "other");
}

TEST(PathMetrics, OriginsTheClientChoseHaveASeriesOfTheirOwn) {
  const Shared shared;
  ipc::Slab slab = shared.attach();
  ipc::MetricsWriter writer(slab);
  PathMetrics metrics(writer, kNames);
  metrics.origin_failed(kNoUpstream, Code::kRefused);
  metrics.origin_failed(0, Code::kTimeout);
  EXPECT_EQ(shared.values().at("sluice_origin_connect_failures_total{error=refused,upstream=}"), 1);
  EXPECT_EQ(shared.values().at("sluice_origin_connect_failures_total{error=timeout,upstream=pool}"), 1);
}

TEST(PathMetrics, SayHowManySeriesFoundNoPlace) {
  const Shared shared;
  ipc::Slab slab = shared.attach();
  ipc::MetricsWriter writer(slab);
  TrafficNames many;
  for (int i = 0; i < 2000; ++i) many.endpoints.push_back("endpoint-" + std::to_string(i));
  PathMetrics metrics(writer, many);
  metrics.connection_accepted(1999);  // counts where nobody reads, and harms nothing
  metrics.sample({});
  EXPECT_GT(shared.values().at("sluice_metrics_dropped{}"), 0);
}

class Deaf final : public LogOutput {
 public:
  bool write(std::string_view /*line*/) override { return false; }
};

TEST(Sampler, TellsWhatTheLogsLost) {
  const Shared shared;
  ipc::Slab slab = shared.attach();
  ipc::MetricsWriter writer(slab);
  PathMetrics metrics(writer, kNames);
  Deaf output;
  Log log(output, LogLevel::kInfo);
  log.info("lost");
  AccessLog access_log(output, ipc::AccessLogSettings{}, kNames);
  while (access_log.lines_lost() < 3) access_log.write({.status = 200});
  { const Sampler sampler(metrics, log, access_log); }
  EXPECT_EQ(shared.values().at("sluice_log_lost_total{}"), 1);
  EXPECT_EQ(shared.values().at("sluice_access_log_lost_total{}"), 3);
  EXPECT_GT(shared.values().at("sluice_cpu_nanoseconds_total{}"), 0);
}

// One row of the table in docs/metrics.md for each family, with the label names of its series.
std::set<std::string> rows(const ipc::MetricsSnapshot& snapshot) {
  constexpr std::array<std::string_view, 4> kKinds = {"", "counter", "gauge", "histogram"};
  std::set<std::string> all;
  for (const auto& family : snapshot.families) {
    std::string labels;
    for (const auto& label : family.series.at(0).labels) labels += (labels.empty() ? " " : ", ") + label.name;
    std::string name = family.name;
    constexpr std::string_view kNanos = "_nanoseconds_";
    if (const auto at = name.find(kNanos); at != std::string::npos) name.replace(at, kNanos.size(), "_seconds_");
    all.insert("| `" + name + "` | " + std::string(kKinds.at(slot_of(family.kind))) + " |" + labels + " | " +
               family.help + " |");
  }
  return all;
}

TEST(PathMetrics, TimesOfARouteAppearWhenItIsFirstTaken) {
  const Shared shared;
  ipc::Slab slab = shared.attach();
  ipc::MetricsWriter writer(slab);
  PathMetrics metrics(writer, kNames);
  const std::string taken = "sluice_route_duration_seconds{endpoint=web,route=a.test/api}";
  EXPECT_FALSE(shared.values().contains(taken));
  metrics.request_finished({.route = 1});
  metrics.request_finished({.route = 1});
  metrics.request_finished({.route = kNoRoute});
  metrics.request_finished({.endpoint = 1, .route = 1});  // an endpoint without routes
  EXPECT_EQ(shared.values().at(taken), 2);
  EXPECT_FALSE(shared.values().contains("sluice_route_duration_seconds{endpoint=web,route=*/}"));
}

TEST(PathMetrics, CountATunnelOnceThatEndsInAnotherWorker) {
  const Shared shared;
  ipc::Slab slab = shared.attach();
  ipc::MetricsWriter writer(slab);
  PathMetrics metrics(writer, kNames);
  metrics.request_started(0);
  metrics.tunnel_opened(0);
  metrics.tunnel_handed_over(0);
  EXPECT_EQ(shared.values().at("sluice_tunnels_open{endpoint=web}"), 0);
  EXPECT_EQ(shared.values().at("sluice_tunnel_received_bytes_total{endpoint=web}"), 0);
  metrics.tunnel_taken(0, kNoUpstream);  // here it stands for the other worker
  EXPECT_EQ(shared.values().at("sluice_tunnels_open{endpoint=web}"), 1);
  EXPECT_EQ(shared.values().at("sluice_requests_open{endpoint=web}"), 1);
  metrics.tunnel_finished({.kind = AccessRecord::Kind::kTunnel, .status = 200, .bytes_in = 7, .bytes_out = 9});
  metrics.tunnel_left(0, kNoUpstream);
  EXPECT_EQ(shared.values().at("sluice_tunnels_opened_total{endpoint=web}"), 1);
  EXPECT_EQ(shared.values().at("sluice_tunnel_received_bytes_total{endpoint=web}"), 7);
  EXPECT_EQ(shared.values().at("sluice_tunnels_open{endpoint=web}"), 0);
  EXPECT_EQ(shared.values().at("sluice_requests_open{endpoint=web}"), 0);
}

TEST(PathMetrics, AreAllListedInTheDocumentation) {
  const Shared shared;
  ipc::Slab slab = shared.attach();
  ipc::MetricsWriter writer(slab);
  PathMetrics metrics(writer, kNames);
  const Error error(Code::kInternal);
  metrics.connection_refused(0, Refused::kHook);
  metrics.accept_paused(AcceptPaused::kDescriptors);
  metrics.request_refused(0, RequestRefused::kSourceRate);
  metrics.http2_flooded(0, http2::Flood::kResets);
  metrics.client_secured(0, Handshake::kFull, std::chrono::milliseconds(1));
  metrics.client_not_secured(0, Code::kTlsAlert);
  metrics.request_finished({.route = 0});
  metrics.request_finished({.ended = Ended::kClient, .error = &error});
  metrics.origin_failed(0, Code::kReset);
  metrics.origin_secured(0, Handshake::kFull);
  metrics.upstream_refused(0, UpstreamRefused::kQueueFull);
  metrics.hook_decided(HookKind::kHttp, Verdict::kBlocked);
  metrics.dns_failed(Code::kDnsFailure);
  metrics.handed_over(Moving::kIdle);
  metrics.hand_over_failed(Moving::kTunnel);
  metrics.taken_over(Moving::kTunnel);

  std::set<std::string> documented;
  std::ifstream page("docs/metrics.md");
  ASSERT_TRUE(page.is_open());
  bool here = false;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("## ")) here = line == "## Of each worker";
    if (here && line.starts_with("| `")) documented.insert(line);
  }
  EXPECT_EQ(documented, rows(shared.snapshot()));
}

}  // namespace
}  // namespace sluice::worker
