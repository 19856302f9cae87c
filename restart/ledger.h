// The ledger of a switch: every connection, request and tunnel that was open at it ends in exactly one way, and what
// is neither ended nor left behind by a dead worker is unexplained.
//
// Workers count in their slabs (ipc/connection_table.h); the supervisor reads a worker's page when its process has
// ended and adds the pages up. What a worker wrote is hostile: it can spoil the sums of its own tenant's page, nothing
// else, and a page that cannot be right shows as unexplained. Values.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "ipc/slab.h"
#include "restart/saved_worker.h"

namespace sluice::restart {

struct LedgerRow {
  std::uint64_t open = 0;
  std::uint64_t finished = 0;
  std::uint64_t handed_over = 0;
  std::uint64_t retry = 0;
  std::uint64_t cut = 0;
  std::uint64_t crashed = 0;

  [[nodiscard]] std::uint64_t explained() const { return finished + handed_over + retry + cut + crashed; }
  /// 0, or something went wrong that nobody has noticed.
  [[nodiscard]] std::int64_t unexplained() const { return static_cast<std::int64_t>(open - explained()); }
};

struct Ledger {
  std::array<LedgerRow, ipc::kWorks> rows;  ///< by ipc::Work

  [[nodiscard]] LedgerRow& of(ipc::Work work) { return rows.at(static_cast<std::size_t>(work)); }
  [[nodiscard]] const LedgerRow& of(ipc::Work work) const { return rows.at(static_cast<std::size_t>(work)); }
  void add(const Ledger& other);
  [[nodiscard]] bool balances() const;
  [[nodiscard]] std::vector<SavedLedgerRow> save() const;
  /// Rows that are not there are zero.
  [[nodiscard]] static Ledger from(std::span<const SavedLedgerRow> rows);
};

/// "connections", "requests", "tunnels", "flows".
[[nodiscard]] std::string_view name(ipc::Work work);
inline constexpr std::array kAllWork = {ipc::Work::kConnection, ipc::Work::kRequest, ipc::Work::kTunnel,
                                        ipc::Work::kFlow};

/// The page of a worker whose process has ended.
[[nodiscard]] Ledger read_ledger(const ipc::SlabView& slab);

}  // namespace sluice::restart
