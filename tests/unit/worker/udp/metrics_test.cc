// That docs/metrics.md lists the metrics of endpoints for datagrams.
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "ipc/metrics_reader.h"
#include "ipc/slab.h"
#include "worker/telemetry/datagram_series.h"

namespace sluice::worker {
namespace {

TEST(DatagramSeries, IsListedInTheDocumentation) {
  const Result<Fd> memory = ipc::make_slab("test", 1);
  ASSERT_TRUE(memory);
  Result<ipc::Slab> slab = ipc::Slab::attach(memory->get());
  ASSERT_TRUE(slab);
  ipc::MetricsWriter writer(*slab);
  DatagramSeries series(writer, "dns");
  series.count_dropped(Dropped::kRate);
  const Result<ipc::SlabReader> reader = ipc::SlabReader::open(memory->get());
  ASSERT_TRUE(reader);
  const ipc::MetricsSnapshot snapshot = ipc::read_metrics(*reader->view());
  std::set<std::string> made;
  for (const auto& family : snapshot.families) made.insert("`" + family.name + "` " + family.help);

  std::set<std::string> documented;
  std::ifstream page("docs/metrics.md");
  ASSERT_TRUE(page.is_open());
  bool here = false;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("## ")) here = line == "## Of endpoints for datagrams";
    if (!here || !line.starts_with("| `")) continue;
    const std::size_t name_ends = line.find('`', 3);
    const std::size_t help_begins = line.rfind("| ", line.size() - 3) + 2;
    documented.insert(line.substr(2, name_ends - 1) + " " + line.substr(help_begins, line.size() - help_begins - 2));
  }
  EXPECT_EQ(documented, made);
}

}  // namespace
}  // namespace sluice::worker
