// The ledger over the real thing: a worker's table in a slab, read as the supervisor reads it when the worker has
// ended.
#include "restart/ledger.h"

#include <gtest/gtest.h>

#include "ipc/connection_table.h"
#include "restart/saved_state.h"
#include "tests/unit/restart/example_state.h"

namespace sluice::restart {
namespace {
using ipc::ConnectionSlot;
using ipc::Fate;
using ipc::Work;

class LedgerTest : public testing::Test {
 protected:
  LedgerTest() : fd_(*ipc::make_slab("test", 16)), slab_(*ipc::Slab::attach(fd_.get())), table_(slab_) {}
  ConnectionSlot open() {
    return table_.add(SocketAddress(IpAddress(std::array<std::uint8_t, 4>{192, 0, 2, 7}), 4711), 0, 0);
  }
  [[nodiscard]] Ledger read() const {
    const ipc::SlabReader reader = *ipc::SlabReader::open(fd_.get());
    return read_ledger(*reader.view());
  }

  Fd fd_;
  ipc::Slab slab_;
  ipc::ConnectionTable table_;
};

TEST_F(LedgerTest, IsEmptyWithoutASwitch) {
  const ConnectionSlot one = open();
  EXPECT_EQ(read().of(Work::kConnection).open, 0U);
  EXPECT_TRUE(read().balances());
}

TEST_F(LedgerTest, EverythingEndsInExactlyOneWay) {
  ConnectionSlot finished = open();
  ConnectionSlot cut = open();
  ConnectionSlot handed = open();
  ConnectionSlot crashed = open();
  for (ConnectionSlot* slot : {&finished, &cut, &handed, &crashed}) slot->mark(Work::kConnection);
  finished.mark(Work::kRequest);
  cut.mark(Work::kTunnel);
  crashed.mark(Work::kTunnel);

  finished.ended(Work::kRequest);
  finished.ended(Work::kRequest);  // the next request of the same connection is not in the ledger
  finished.reset();
  cut.set_fate(Fate::kCut);
  cut.reset();
  handed.set_fate(Fate::kHandedOver);
  handed.reset();

  const Ledger ledger = read();
  const LedgerRow& connections = ledger.of(Work::kConnection);
  EXPECT_EQ(connections.open, 4U);
  EXPECT_EQ(connections.finished, 1U);
  EXPECT_EQ(connections.cut, 1U);
  EXPECT_EQ(connections.handed_over, 1U);
  EXPECT_EQ(connections.crashed, 1U);
  EXPECT_EQ(ledger.of(Work::kRequest).finished, 1U);
  EXPECT_EQ(ledger.of(Work::kTunnel).cut, 1U);
  EXPECT_EQ(ledger.of(Work::kTunnel).crashed, 1U);
  EXPECT_TRUE(ledger.balances());
}

TEST_F(LedgerTest, AMarkIsCountedOnceAlsoWhenTheSlotMoves) {
  ConnectionSlot slot = open();
  slot.mark(Work::kConnection);
  slot.mark(Work::kConnection);
  ConnectionSlot moved = std::move(slot);
  moved.reset();
  EXPECT_EQ(read().of(Work::kConnection).open, 1U);
  EXPECT_EQ(read().of(Work::kConnection).finished, 1U);
}

TEST_F(LedgerTest, ASwitchThatDidNotHappenIsForgotten) {
  ConnectionSlot slot = open();
  slot.mark(Work::kConnection);
  slot.forget_marks();
  table_.clear_ledger();
  slot.reset();
  EXPECT_EQ(read().of(Work::kConnection).open, 0U);
  EXPECT_EQ(read().of(Work::kConnection).finished, 0U);
}

TEST_F(LedgerTest, AnEntryThatIsUsedAgainIsNotMarked) {
  ConnectionSlot slot = open();
  slot.mark(Work::kConnection);
  slot.reset();
  const ConnectionSlot next = open();
  EXPECT_EQ(read().of(Work::kConnection).crashed, 0U);
  EXPECT_TRUE(read().balances());
}

TEST_F(LedgerTest, WhatIsMissingShows) {
  ConnectionSlot slot = open();
  slot.mark(Work::kConnection);
  slab_.header().ledger[0].open.store(3);  // a worker that lost count, or lies
  EXPECT_EQ(read().of(Work::kConnection).unexplained(), 2);
  EXPECT_FALSE(read().balances());
}

TEST_F(LedgerTest, ALieFitsIntoTheStateOfASupervisor) {
  constexpr std::uint64_t kLie = ~std::uint64_t{0};
  ConnectionSlot slot = open();
  slot.mark(Work::kConnection);
  slab_.header().ledger[0].open.store(kLie);
  for (ipc::Cell& ended : slab_.header().ledger[1].ended) ended.store(kLie - 1);
  Ledger sum;
  for (int i = 0; i < 1000; ++i) sum.add(read());
  EXPECT_FALSE(sum.balances());
  SavedState state = example_state();
  SavedWorker& worker = state.generations.front().tenants.front().workers.front();
  worker.ledger = sum.save();
  const Result<SavedState> again = read_state(write_state(state));
  ASSERT_TRUE(again) << again.error().message();
  const SavedWorker& same = again->generations.front().tenants.front().workers.front();
  EXPECT_EQ(same.ledger.front().open, 1000 * kMostOfAWorker);
  EXPECT_EQ(sum.of(Work::kRequest).finished, 1000 * kMostOfAWorker);
}

TEST_F(LedgerTest, PagesAddUp) {
  ConnectionSlot slot = open();
  slot.mark(Work::kConnection);
  slot.reset();
  Ledger sum = read();
  sum.add(read());
  EXPECT_EQ(sum.of(Work::kConnection).open, 2U);
  EXPECT_EQ(sum.of(Work::kConnection).finished, 2U);
}

TEST_F(LedgerTest, ANewIncarnationBeginsANewPage) {
  ConnectionSlot slot = open();
  slot.mark(Work::kConnection);
  {
    ipc::Slab again = *ipc::Slab::attach(fd_.get());
    const ipc::ConnectionTable next(again);
  }
  EXPECT_EQ(read().of(Work::kConnection).open, 0U);
  EXPECT_EQ(read().of(Work::kConnection).crashed, 0U);
  slot.forget_marks();
}

}  // namespace
}  // namespace sluice::restart
