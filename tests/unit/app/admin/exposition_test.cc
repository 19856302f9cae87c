// From slabs to the page that Prometheus scrapes, parsed back.
#include "app/admin/exposition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "ipc/metrics.h"
#include "ipc/supervisor_metrics.h"
#include "tests/unit/app/admin/page.h"

namespace sluice::admin {
namespace {

constexpr std::array kBounds = {0.01, 0.1, 1.0};

/// A slab that `fill` has written.
template <class Fill>
ipc::MetricsSnapshot snapshot(Fill fill) {
  const Fd fd = *ipc::make_slab("test", 16);
  ipc::Slab slab = *ipc::Slab::attach(fd.get());
  ipc::MetricsWriter writer(slab);
  fill(writer);
  const ipc::SlabReader reader = *ipc::SlabReader::open(fd.get());
  return ipc::read_metrics(*reader.view());
}

ipc::MetricsSnapshot worker(std::uint64_t requests) {
  return snapshot([&](ipc::MetricsWriter& to) {
    to.counter("x_requests_total", "Requests.", {{"endpoint", "web"}}).add(requests);
    to.gauge("x_open", "Open.", {}).set(3);
    to.counter("x_cpu_nanoseconds_total", "Time.", {}).add(2'500'000'000);
    ipc::Histogram times = to.histogram("x_seconds", "Times.", {}, kBounds);
    for (const double time : {0.005, 0.05, 0.06, 7.0}) times.observe(time);
  });
}

TEST(Exposition, ShowsEachWorkerWithItsTenant) {
  Exposition exposition(Exposition::By::kWorker);
  exposition.add({.tenant = "acme", .worker = 0}, worker(5));
  exposition.add({.tenant = "acme", .worker = 1}, worker(7));
  exposition.add({.tenant = "beta", .worker = 0}, worker(1));
  const Page page = parse_page(exposition.text());
  EXPECT_EQ(page.types.at("x_requests_total"), "counter");
  EXPECT_EQ(page.types.at("x_open"), "gauge");
  EXPECT_EQ(page.types.at("x_seconds"), "histogram");
  EXPECT_EQ(page.helps.at("x_requests_total"), "Requests.");
  EXPECT_EQ(page.samples.at(R"(x_requests_total{endpoint="web",tenant="acme",worker="0"})"), 5);
  EXPECT_EQ(page.samples.at(R"(x_requests_total{endpoint="web",tenant="acme",worker="1"})"), 7);
  EXPECT_EQ(page.samples.at(R"(x_requests_total{endpoint="web",tenant="beta",worker="0"})"), 1);
  EXPECT_EQ(page.samples.at(R"(x_open{tenant="beta",worker="0"})"), 3);
  EXPECT_EQ(page.samples.at(R"(x_cpu_seconds_total{tenant="beta",worker="0"})"), 2.5);
}

TEST(Exposition, MakesHistogramsCumulative) {
  Exposition exposition(Exposition::By::kWorker);
  exposition.add({.tenant = "acme", .worker = 0}, worker(5));
  const Page page = parse_page(exposition.text());
  EXPECT_EQ(page.samples.at(R"(x_seconds_bucket{tenant="acme",worker="0",le="0.01"})"), 1);
  EXPECT_EQ(page.samples.at(R"(x_seconds_bucket{tenant="acme",worker="0",le="0.1"})"), 3);
  EXPECT_EQ(page.samples.at(R"(x_seconds_bucket{tenant="acme",worker="0",le="1"})"), 3);
  EXPECT_EQ(page.samples.at(R"(x_seconds_bucket{tenant="acme",worker="0",le="+Inf"})"), 4);
  EXPECT_EQ(page.samples.at(R"(x_seconds_count{tenant="acme",worker="0"})"), 4);
  EXPECT_NEAR(page.samples.at(R"(x_seconds_sum{tenant="acme",worker="0"})"), 7.115, 1e-9);
}

TEST(Exposition, SumsOverTheWorkersOfATenant) {
  Exposition exposition(Exposition::By::kTenant);
  exposition.add({.tenant = "acme", .worker = 0}, worker(5));
  exposition.add({.tenant = "acme", .worker = 1}, worker(7));
  exposition.add({.tenant = "beta", .worker = 0}, worker(1));
  const Page page = parse_page(exposition.text());
  EXPECT_EQ(page.samples.at(R"(x_requests_total{endpoint="web",tenant="acme"})"), 12);
  EXPECT_EQ(page.samples.at(R"(x_requests_total{endpoint="web",tenant="beta"})"), 1);
  EXPECT_EQ(page.samples.at(R"(x_open{tenant="acme"})"), 6);
  EXPECT_EQ(page.samples.at(R"(x_seconds_bucket{tenant="acme",le="0.1"})"), 6);
  EXPECT_EQ(page.samples.at(R"(x_seconds_count{tenant="acme"})"), 8);
}

TEST(Exposition, ShowsTheSupervisorsSeriesUnderThoseItSpeaksOf) {
  const auto own = snapshot([](ipc::MetricsWriter& to) {
    to.gauge("x_ready", "Ready.", {{ipc::kOfTenant, "acme"}, {ipc::kOfWorker, "1"}}).set(1);
    to.gauge("x_draining", "Draining.", {}).set(0);
  });
  Exposition exposition(Exposition::By::kWorker);
  exposition.add({}, own);
  const Page page = parse_page(exposition.text());
  EXPECT_EQ(page.samples.at(R"(x_ready{tenant="acme",worker="1"})"), 1);
  EXPECT_EQ(page.samples.at("x_draining"), 0);
}

TEST(Exposition, AWorkerCannotSpeakForAnother) {
  const auto hostile = snapshot([](ipc::MetricsWriter& to) {
    to.gauge("x_ready", "Ready.", {{ipc::kOfTenant, "beta"}, {ipc::kOfWorker, "1"}}).set(1);
    to.counter("x_open", "Not what the others say.", {}).add(1);
    to.histogram("x_seconds", "Other buckets.", {}, std::array{5.0}).observe(1);
  });
  for (const auto by : {Exposition::By::kWorker, Exposition::By::kTenant}) {
    Exposition exposition(by);
    exposition.add({.tenant = "acme", .worker = 0}, worker(1));
    exposition.add({.tenant = "acme", .worker = 1}, hostile);
    for (const auto& [sample, value] : parse_page(exposition.text()).samples) {
      EXPECT_THAT(sample, testing::Not(testing::HasSubstr(R"(,tenant="beta")")));
      EXPECT_THAT(sample, testing::HasSubstr(R"(tenant="acme")"));
      if (sample.starts_with("x_open")) EXPECT_EQ(value, 3) << "the first one says what kind a family has";
    }
  }
}

TEST(Exposition, EscapesLabelsAndHelps) {
  const auto odd = snapshot([](ipc::MetricsWriter& to) {
    to.counter("x_total", "Back\\slash and \"quotes\".", {{"endpoint", "a\"b\\c\nd\xff"}}).add(1);
  });
  Exposition exposition(Exposition::By::kWorker);
  exposition.add({.tenant = "acme", .worker = 0}, odd);
  const Page page = parse_page(exposition.text());
  ASSERT_EQ(page.samples.size(), 1U);
  EXPECT_THAT(page.samples.begin()->first, testing::StartsWith(R"(x_total{endpoint="a\"b\\c)"));
}

TEST(Exposition, SaysWhenSomethingWasLeftOut) {
  Exposition exposition(Exposition::By::kWorker);
  exposition.add({.tenant = "acme", .worker = 2}, ipc::MetricsSnapshot{.families = {}, .rejected = 4});
  const Page page = parse_page(exposition.text());
  EXPECT_EQ(page.samples.at(R"(sluice_metrics_rejected{tenant="acme",worker="2"})"), 4);
}

}  // namespace
}  // namespace sluice::admin
