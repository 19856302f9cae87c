// See ledger.h.
#include "restart/ledger.h"

#include <algorithm>

#include "base/check.h"
#include "ipc/connection_table.h"

namespace sluice::restart {

void Ledger::add(const Ledger& other) {
  for (const ipc::Work work : kAllWork) {
    LedgerRow& row = of(work);
    const LedgerRow& more = other.of(work);
    row.open += more.open;
    row.finished += more.finished;
    row.handed_over += more.handed_over;
    row.retry += more.retry;
    row.cut += more.cut;
    row.crashed += more.crashed;
  }
}

Ledger Ledger::from(std::span<const LedgerRow> saved) {
  Ledger ledger;
  std::ranges::copy(saved.first(std::min(saved.size(), ledger.rows.size())), ledger.rows.begin());
  return ledger;
}

bool Ledger::balances() const {
  return std::ranges::all_of(rows, [](const LedgerRow& row) { return row.unexplained() == 0; });
}

std::string_view name(ipc::Work work) {
  switch (work) {
    case ipc::Work::kConnection:
      return "connections";
    case ipc::Work::kRequest:
      return "requests";
    case ipc::Work::kTunnel:
      return "tunnels";
    case ipc::Work::kFlow:
      return "flows";
  }
  SLUICE_CHECK(false, "no such work");
}

Ledger read_ledger(const ipc::SlabView& slab) {
  Ledger ledger;
  const ipc::SlabHeader& header = slab.header();
  const auto bounded = [](std::uint64_t count) { return std::min(count, kMostOfAWorker); };
  for (const ipc::Work work : kAllWork) {
    const ipc::LedgerCells& cells = header.ledger.at(static_cast<std::size_t>(work));
    const auto ended = [&](ipc::Fate fate) {
      return bounded(cells.ended.at(static_cast<std::size_t>(fate)).load(std::memory_order_relaxed));
    };
    ledger.of(work) = {.open = bounded(cells.open.load(std::memory_order_relaxed)),
                       .finished = ended(ipc::Fate::kFinished),
                       .handed_over = ended(ipc::Fate::kHandedOver),
                       .retry = ended(ipc::Fate::kRetry),
                       .cut = ended(ipc::Fate::kCut)};
  }
  ipc::ConnectionReader connections(slab);
  while (const auto left = connections.next())
    for (const ipc::Work work : kAllWork) ledger.of(work).crashed = bounded(ledger.of(work).crashed + left->open(work));
  return ledger;
}

}  // namespace sluice::restart
