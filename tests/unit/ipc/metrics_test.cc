// Metrics through a slab: what one mapping counts, another shows, over crashes and in spite of hostile bytes.
#include "ipc/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <limits>

#include "ipc/metrics_reader.h"

namespace sluice::ipc {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::array kBounds{0.1, 1.0};

class MetricsTest : public testing::Test {
 protected:
  Slab attach() { return *Slab::attach(fd_.get()); }
  MetricsSnapshot snapshot() { return read_metrics(*reader_.view()); }

  Fd fd_ = *make_slab("slab", 16);
  SlabReader reader_ = *SlabReader::open(fd_.get());
};

TEST_F(MetricsTest, ShowsInOneMappingWhatAnotherCounts) {
  Slab slab = attach();
  MetricsWriter writer(slab);
  Counter ok = writer.counter("requests_total", "Requests.", {{"code", "2xx"}});
  Counter bad = writer.counter("requests_total", "Requests.", {{"code", "5xx"}});
  Gauge open = writer.gauge("open", "Open connections.", {});
  Histogram times = writer.histogram("seconds", "How long.", {}, kBounds);
  ok.add();
  ok.add(41);
  bad.add();
  open.add(5);
  open.add(-7);
  times.observe(0.1);
  times.observe(0.5);
  times.observe(7);

  const MetricsSnapshot seen = snapshot();
  EXPECT_EQ(seen.rejected, 0U);
  ASSERT_THAT(seen.families, SizeIs(3));
  EXPECT_EQ(seen.families[0].name, "requests_total");
  EXPECT_EQ(seen.families[0].help, "Requests.");
  EXPECT_EQ(seen.families[0].kind, MetricKind::kCounter);
  ASSERT_THAT(seen.families[0].series, SizeIs(2));
  EXPECT_THAT(seen.families[0].series[0].labels, ElementsAre(MetricLabel{.name = "code", .value = "2xx"}));
  EXPECT_EQ(seen.families[0].series[0].count, 42U);
  EXPECT_EQ(seen.families[0].series[1].count, 1U);
  EXPECT_EQ(seen.families[1].series[0].level, -2);
  const MetricSeries& histogram = seen.families[2].series[0];
  EXPECT_THAT(histogram.bounds, ElementsAre(0.1, 1.0));
  EXPECT_THAT(histogram.buckets, ElementsAre(1, 1, 1));
  EXPECT_EQ(histogram.count, 3U);
  EXPECT_DOUBLE_EQ(histogram.sum, 7.6);
}

TEST_F(MetricsTest, GoesOnAfterACrashAndGaugesStartAtZero) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    Slab slab = attach();
    MetricsWriter writer(slab);
    writer.counter("requests_total", "", {{"a", "1"}, {"b", "2"}}).add(10);
    writer.gauge("open", "", {}).set(3);
    writer.histogram("seconds", "", {}, kBounds).observe(0.5);
    ::abort();
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  ASSERT_EQ(snapshot().families[1].series[0].level, 3);

  Slab slab = attach();
  MetricsWriter writer(slab);
  EXPECT_EQ(slab.header().incarnations.load(), 2U);
  EXPECT_EQ(snapshot().families[1].series[0].level, 0);
  writer.counter("requests_total", "", {{"b", "2"}, {"a", "1"}}).add(1);
  writer.histogram("seconds", "", {}, kBounds).observe(0.5);
  const MetricsSnapshot seen = snapshot();
  ASSERT_THAT(seen.families, SizeIs(3));
  EXPECT_EQ(seen.families[0].series[0].count, 11U);
  EXPECT_THAT(seen.families[2].series[0].buckets, ElementsAre(0, 2, 0));
}

TEST_F(MetricsTest, ReplacesASeriesWhoseBucketsHaveChanged) {
  {
    Slab slab = attach();
    MetricsWriter writer(slab);
    writer.histogram("seconds", "", {}, kBounds).observe(0.5);
  }
  Slab slab = attach();
  MetricsWriter writer(slab);
  constexpr std::array kOther{5.0};
  writer.histogram("seconds", "", {}, kOther).observe(0.5);
  const MetricsSnapshot seen = snapshot();
  EXPECT_EQ(seen.rejected, 0U);
  ASSERT_THAT(seen.families, SizeIs(1));
  ASSERT_THAT(seen.families[0].series, SizeIs(1));
  EXPECT_THAT(seen.families[0].series[0].buckets, ElementsAre(1, 0));
}

TEST_F(MetricsTest, CountsNowhereWhenTheSlabIsFull) {
  Slab slab = attach();
  MetricsWriter writer(slab);
  std::vector<Counter> counters;
  for (int i = 0; i < 20'000; ++i) counters.push_back(writer.counter("c_total", "", {{"n", std::to_string(i)}}));
  for (Counter& counter : counters) counter.add();
  EXPECT_GT(writer.dropped(), 0U);
  const MetricsSnapshot seen = snapshot();
  ASSERT_THAT(seen.families, SizeIs(1));
  EXPECT_EQ(seen.families[0].series.size() + writer.dropped(), 20'000U);
  for (const MetricSeries& series : seen.families[0].series) EXPECT_EQ(series.count, 1U);
}

TEST_F(MetricsTest, CleansAndCutsLabelValues) {
  Slab slab = attach();
  MetricsWriter writer(slab);
  writer.counter("c_total", "", {{"v", "a\x1b[2Jb"}, {"long", std::string(1000, 'x')}}).add();
  const MetricsSnapshot seen = snapshot();
  ASSERT_THAT(seen.families, SizeIs(1));
  EXPECT_THAT(seen.families[0].series[0].labels,
              ElementsAre(MetricLabel{.name = "long", .value = std::string(255, 'x')},
                          MetricLabel{.name = "v", .value = "a\xEF\xBF\xBD[2Jb"}));
}

// Writes a record the way a worker that was taken over would.
void write_record(Slab& slab, const MetricRecord& record) {
  const std::string bytes = encode_record(record);
  const std::uint64_t at = slab.header().records_used.load();
  std::memcpy(slab.records().data() + at, bytes.data(), bytes.size());
  slab.header().records_used.store(at + bytes.size());
}

TEST_F(MetricsTest, LeavesOutHostileSeries) {
  Slab slab = attach();
  const MetricRecord good{.kind = MetricKind::kCounter, .name = "good_total"};
  const auto with = [&](auto change) {
    MetricRecord record = good;
    record.name = "bad_total";
    change(record);
    write_record(slab, record);
  };
  write_record(slab, good);
  write_record(slab, good);
  with([](MetricRecord& r) { r.name = "evil\n# TYPE"; });
  with([](MetricRecord& r) { r.name = ""; });
  with([](MetricRecord& r) { r.help = "line\nline"; });
  with([](MetricRecord& r) { r.labels = {{.name = "tenant", .value = "other"}}; });
  with([](MetricRecord& r) { r.labels = {{.name = "a", .value = ""}, {.name = "a", .value = ""}}; });
  with([](MetricRecord& r) { r.labels = {{.name = "a", .value = "\xC3"}}; });
  with([](MetricRecord& r) { r.first_value = kMetricValues; });
  with([](MetricRecord& r) { r.first_value = UINT32_MAX; });
  with([](MetricRecord& r) { r.kind = static_cast<MetricKind>(9); });
  with([](MetricRecord& r) { r.bounds = {1}; });
  with([](MetricRecord& r) {
    r.kind = MetricKind::kHistogram;
    r.bounds = {2, 1};
  });
  with([](MetricRecord& r) {
    r.kind = MetricKind::kHistogram;
    r.bounds = {std::numeric_limits<double>::quiet_NaN()};
  });
  write_record(slab, {.kind = MetricKind::kGauge, .name = "good_total"});
  const MetricsSnapshot seen = snapshot();
  ASSERT_THAT(seen.families, SizeIs(1));
  EXPECT_THAT(seen.families[0].series, SizeIs(1));
  EXPECT_EQ(seen.rejected, 14U);
}

TEST_F(MetricsTest, SurvivesALieAboutTheUsedBytes) {
  Slab slab = attach();
  slab.header().records_used.store(UINT64_MAX);
  EXPECT_THAT(snapshot().families, IsEmpty());
  // the next incarnation starts over
  Slab next = attach();
  MetricsWriter writer(next);
  writer.counter("c_total", "", {}).add();
  ASSERT_THAT(snapshot().families, SizeIs(1));
  EXPECT_EQ(snapshot().families[0].series[0].count, 1U);
}

TEST_F(MetricsTest, ReportsADamagedHeader) {
  Slab slab = attach();
  slab.header().magic.store(0);
  EXPECT_EQ(reader_.view().error().code(), Code::kProtocol);
  EXPECT_EQ(Slab::attach(fd_.get()).error().code(), Code::kProtocol);
}

TEST_F(MetricsTest, CannotBeWrittenThroughTheReadOnlyDescriptor) {
  const Fd look = *read_only(fd_);
  EXPECT_TRUE(SlabReader::open(look.get()));
  EXPECT_EQ(Slab::attach(look.get()).error().sys(), EACCES);
}

}  // namespace
}  // namespace sluice::ipc
