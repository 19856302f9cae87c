// The ledger of a switch: every connection, request and tunnel that was open at it ends in exactly one way, and what
// is neither ended nor left behind by a dead worker is unexplained.
//
// Workers count in their slabs (ipc/connection_table.h); the supervisor reads a worker's page when its process has
// ended and adds the pages up. What a worker wrote is hostile: it can spoil the sums of a switch, by kMostOfAWorker
// each and not more, so that they still fit into the state and no counter goes backwards; and a page that cannot be
// right shows as unexplained. Values.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/settings/describe.h"
#include "ipc/slab.h"

namespace sluice::restart {

/// Nobody has more of anything open at a switch; thousands of such pages can be added up for longer than anybody lives.
inline constexpr std::uint64_t kMostOfAWorker = std::uint64_t{1} << 32U;

struct LedgerRow {
  std::uint64_t open = 0;
  std::uint64_t finished = 0;
  std::uint64_t handed_over = 0;
  std::uint64_t retry = 0;
  std::uint64_t cut = 0;
  std::uint64_t crashed = 0;

  static constexpr std::string_view about = "One kind of work in a ledger.";
  static constexpr void describe(auto& f) {
    using S = LedgerRow;
    f(&S::open, "open", "");
    f(&S::finished, "finished", "");
    f(&S::handed_over, "handed_over", "");
    f(&S::retry, "retry", "");
    f(&S::cut, "cut", "");
    f(&S::crashed, "crashed", "");
  }
  [[nodiscard]] std::uint64_t explained() const { return finished + handed_over + retry + cut + crashed; }
  /// 0, or something went wrong that nobody has noticed.
  [[nodiscard]] std::int64_t unexplained() const { return static_cast<std::int64_t>(open - explained()); }
};

static_assert(settings::complete<LedgerRow>());

struct Ledger {
  std::array<LedgerRow, ipc::kWorks> rows;  ///< by ipc::Work

  [[nodiscard]] LedgerRow& of(ipc::Work work) { return rows.at(static_cast<std::size_t>(work)); }
  [[nodiscard]] const LedgerRow& of(ipc::Work work) const { return rows.at(static_cast<std::size_t>(work)); }
  void add(const Ledger& other);
  [[nodiscard]] bool balances() const;
  /// For the state of the supervisor, and back; rows that are not there are zero.
  [[nodiscard]] std::vector<LedgerRow> save() const { return {rows.begin(), rows.end()}; }
  [[nodiscard]] static Ledger from(std::span<const LedgerRow> saved);
};

/// "connections", "requests", "tunnels", "flows".
[[nodiscard]] std::string_view name(ipc::Work work);
inline constexpr std::array kAllWork = {ipc::Work::kConnection, ipc::Work::kRequest, ipc::Work::kTunnel,
                                        ipc::Work::kFlow};

/// The page of a worker whose process has ended.
[[nodiscard]] Ledger read_ledger(const ipc::SlabView& slab);

}  // namespace sluice::restart
