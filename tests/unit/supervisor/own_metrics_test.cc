// What the supervisor's own slab says, and that docs/metrics.md lists it.
#include "supervisor/own_metrics.h"

#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <map>
#include <set>

#include "ipc/metrics_reader.h"
#include "ipc/supervisor_metrics.h"

namespace sluice::supervisor {
namespace {

ipc::MetricsSnapshot snapshot(const OwnMetrics& metrics) {
  const ipc::SlabReader reader = *ipc::SlabReader::open(metrics.slab().get());
  return ipc::read_metrics(*reader.view());
}

/// "name tenant worker" with its value.
std::map<std::string, std::int64_t> values(const OwnMetrics& metrics) {
  std::map<std::string, std::int64_t> all;
  for (const auto& family : snapshot(metrics).families) {
    for (const auto& series : family.series) {
      std::string key = family.name;
      for (const auto& label : series.labels) key += " " + label.value;
      all[key] = family.kind == ipc::MetricKind::kGauge ? series.level : static_cast<std::int64_t>(series.count);
    }
  }
  return all;
}

TEST(OwnMetrics, SayWhoIsReady) {
  const auto metrics = *OwnMetrics::make();
  std::array slots = {SlotFacts{.tenant = "acme", .worker = 0, .wanted = true, .ready = true},
                      SlotFacts{.tenant = "acme", .worker = 1, .wanted = true, .ready = false},
                      SlotFacts{.tenant = "beta", .worker = 0, .wanted = true, .ready = true}};
  metrics->update(slots);
  auto said = values(*metrics);
  EXPECT_EQ(said.at("sluice_workers acme"), 2);
  EXPECT_EQ(said.at("sluice_workers_ready acme"), 1);
  EXPECT_EQ(said.at("sluice_workers_ready beta"), 1);
  EXPECT_EQ(said.at("sluice_worker_ready acme 1"), 0);
  EXPECT_EQ(said.at("sluice_draining"), 0);
  slots[1].ready = true;
  slots[2].ready = false;
  metrics->update(slots);
  metrics->leaving();
  said = values(*metrics);
  EXPECT_EQ(said.at("sluice_workers_ready acme"), 2);
  EXPECT_EQ(said.at("sluice_workers_ready beta"), 0);
  EXPECT_EQ(said.at("sluice_worker_ready acme 1"), 1);
  EXPECT_EQ(said.at("sluice_draining"), 1);
}

TEST(OwnMetrics, WantNothingOfATenantThatAnUpgradeHasRemoved) {
  const auto metrics = *OwnMetrics::make();
  metrics->update(std::array{SlotFacts{.tenant = "acme", .worker = 0, .wanted = true, .ready = true}});
  metrics->update(std::array{SlotFacts{.tenant = "acme", .worker = 0}});
  const auto said = values(*metrics);
  EXPECT_EQ(said.at("sluice_workers acme"), 0);
  EXPECT_EQ(said.at("sluice_worker_ready acme 0"), 0);
}

TEST(OwnMetrics, CountCrashesAndWhatDiedWithThem) {
  const auto metrics = *OwnMetrics::make();
  for (const std::uint64_t crashes : {0U, 1U, 1U, 3U}) {
    const std::array slots = {
        SlotFacts{.tenant = "acme", .wanted = true, .crashes = crashes, .lost_connections = crashes * 10}};
    metrics->update(slots);
    EXPECT_EQ(values(*metrics).at("sluice_worker_crashes_total acme 0"), static_cast<std::int64_t>(crashes));
    EXPECT_EQ(values(*metrics).at("sluice_worker_lost_connections_total acme 0"),
              static_cast<std::int64_t>(crashes * 10));
  }
}

TEST(OwnMetrics, KnowEveryTenantEvenWhenTheSlabIsFull) {
  const auto metrics = *OwnMetrics::make();
  std::vector<SlotFacts> slots;
  for (std::uint32_t worker = 0; worker < 1024; ++worker) {
    slots.push_back({.tenant = "acme", .worker = worker, .wanted = true, .ready = true});
    slots.push_back({.tenant = "beta", .worker = worker, .wanted = true, .ready = worker != 7});
  }
  metrics->update(slots);
  EXPECT_EQ(values(*metrics).at("sluice_workers_ready acme"), 1024);
  EXPECT_EQ(values(*metrics).at("sluice_workers_ready beta"), 1023);
}

TEST(OwnMetrics, AreAllListedInTheDocumentation) {
  const auto metrics = *OwnMetrics::make();
  const std::array slots = {SlotFacts{.tenant = "acme", .wanted = true}};
  metrics->update(slots);
  metrics->upgrade("done");
  metrics->switched("connections", "finished", 1);
  std::set<std::string> rows;
  for (const auto& family : snapshot(*metrics).families) {
    std::string labels;
    for (const auto& label : family.series.at(0).labels)
      labels += (labels.empty() ? " " : ", ") + (label.name == ipc::kOfTenant   ? std::string("tenant")
                                                 : label.name == ipc::kOfWorker ? std::string("worker")
                                                                                : label.name);
    const std::string kind = family.kind == ipc::MetricKind::kGauge ? "gauge" : "counter";
    rows.insert("| `" + family.name + "` | " + kind + " |" + labels + " | " + family.help + " |");
  }
  std::set<std::string> documented;
  std::ifstream page("docs/metrics.md");
  ASSERT_TRUE(page.is_open());
  bool here = false;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("## ")) here = line == "## Of the supervisor";
    if (here && line.starts_with("| `")) documented.insert(line);
  }
  EXPECT_EQ(documented, rows);
}

}  // namespace
}  // namespace sluice::supervisor
