// A slab full of arbitrary bytes, read the way the supervisor and the admin worker read it, and then adopted by the
// next worker. What is shown must be sound whatever is in there.
//
// The input is laid over a sound slab in pieces, so that a few bytes reach every part: u8 where (header, values,
// records, entries; from 128 on servers), u16 offset in words, u8 length, bytes.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/check.h"
#include "ipc/connection_table.h"
#include "ipc/metrics.h"
#include "ipc/metrics_reader.h"
#include "ipc/server_table.h"
#include "ipc/text.h"

namespace sluice::ipc {
namespace {

constexpr std::array kBounds{0.5, 1.0};

void fill(Slab& slab) {
  MetricsWriter metrics(slab);
  metrics.counter("c_total", "help", {{"a", "b"}}).add();
  metrics.histogram("h", "", {}, kBounds).observe(1);
  ConnectionTable table(slab);
  ConnectionSlot slot = table.add(SocketAddress(), 1, 2);
  slot.request("GET /");
  ServerTable servers(slab);
  servers.write(0, {.upstream = "origin", .server = "127.0.0.1:80"});
}

void lay_over(Slab& slab, std::span<const std::uint8_t> input) {
  while (input.size() >= 4) {
    std::span<std::byte> part = slab.records();
    if (input[0] % 4 == 0) part = std::as_writable_bytes(std::span(&slab.header(), 1));
    if (input[0] % 4 == 1) part = std::as_writable_bytes(slab.values());
    if (input[0] % 4 == 3) part = slab.entries();
    if (input[0] >= 128) part = slab.servers();
    const std::size_t offset = std::min((input[1] | (std::size_t{input[2]} << 8U)) * 8, part.size());
    const std::size_t length = std::min({std::size_t{input[3]}, input.size() - 4, part.size() - offset});
    std::memcpy(part.data() + offset, input.data() + 4, length);
    input = input.subspan(4 + std::min<std::size_t>(input[3], input.size() - 4));
  }
}

void check_shown(const SlabView& view) {
  const MetricsSnapshot snapshot = read_metrics(view);
  for (const MetricFamily& family : snapshot.families) {
    SLUICE_CHECK(is_printable(family.name) && is_printable(family.help), "a family that cannot be shown");
    for (const MetricSeries& series : family.series) {
      SLUICE_CHECK(std::isfinite(series.sum) && std::ranges::is_sorted(series.bounds), "an absurd histogram");
      for (const MetricLabel& label : series.labels)
        SLUICE_CHECK(is_printable(label.value) && label.name != "tenant", "a label that cannot be shown");
    }
  }
  for (const ServerRow& row : read_servers(view))
    SLUICE_CHECK(is_printable(row.upstream) && is_printable(row.server), "a server that cannot be shown");
  ConnectionReader connections(view);
  while (const auto record = connections.next())
    SLUICE_CHECK(is_printable(record->target) && !name(record->state).empty(), "a connection that cannot be shown");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Fd fd = *make_slab("fuzz", 4);
  Slab slab = *Slab::attach(fd.get());
  fill(slab);
  lay_over(slab, {data, size});
  const SlabReader reader = *SlabReader::open(fd.get());
  if (const Result<SlabView> view = reader.view()) check_shown(*view);
  Result<Slab> next = Slab::attach(fd.get());
  if (!next) return 0;
  fill(*next);
  const MetricsSnapshot snapshot = read_metrics(*reader.view());
  SLUICE_CHECK(std::ranges::any_of(snapshot.families, [](const MetricFamily& f) { return f.name == "c_total"; }) ||
                   snapshot.rejected > 0,
               "the next worker's counter is not shown");
  return 0;
}

}  // namespace sluice::ipc
