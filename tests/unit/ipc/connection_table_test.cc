// The table of live connections: one side writes, the other reads, and neither trusts.
#include "ipc/connection_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <thread>

namespace sluice::ipc {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

class ConnectionTableTest : public testing::Test {
 protected:
  static constexpr std::uint32_t kConnections = 4;

  Slab attach() { return *Slab::attach(fd_.get()); }
  std::vector<ConnectionRecord> seen() {
    std::vector<ConnectionRecord> records;
    ConnectionReader reader(*reader_.view());
    while (auto record = reader.next()) records.push_back(std::move(*record));
    return records;
  }

  Fd fd_ = *make_slab("slab", kConnections);
  SlabReader reader_ = *SlabReader::open(fd_.get());
  SocketAddress client_ = *SocketAddress::parse("192.0.2.1:4711");
};

TEST_F(ConnectionTableTest, ShowsAClientThatIsLearnedLater) {
  Slab slab = attach();
  ConnectionTable table(slab);
  ConnectionSlot slot = table.add(client_, 3, 5);
  for (const std::string text : {"[2001:db8::1]:80", "unix:", "198.51.100.7:9"}) {
    slot.client(*SocketAddress::parse("192.0.2.9:1"));
    slot.client(text == "unix:" ? SocketAddress::unix_path({}) : *SocketAddress::parse(text));
    ASSERT_THAT(seen(), SizeIs(1));
    EXPECT_EQ(seen()[0].client, text);
    EXPECT_EQ(seen()[0].id, slot.id());
  }
}

TEST_F(ConnectionTableTest, ShowsWhatTheWorkerSays) {
  Slab slab = attach();
  ConnectionTable table(slab);
  ConnectionSlot four = table.add(client_, 3, 1'700'000'000'123);
  ConnectionSlot six = table.add(*SocketAddress::parse("[2001:db8::1]:80"), 0, 5);
  ConnectionSlot local = table.add(*SocketAddress::parse("unix:/run/x.sock"), 0, 6);
  four.state(ConnectionState::kRelaying);
  four.request("GET origin.example/index.html");
  four.request("GET origin.example/next");
  four.add_in(100);
  four.add_out(1000);
  four.add_out(1);
  six.request(std::string(55, 'x') + "\xC3\xA4");

  const auto records = seen();
  ASSERT_THAT(records, SizeIs(3));
  EXPECT_EQ(records[0].id, four.id());
  EXPECT_EQ(records[0].client, "192.0.2.1:4711");
  EXPECT_EQ(records[0].endpoint_index, 3U);
  EXPECT_EQ(records[0].started_unix_ms, 1'700'000'000'123);
  EXPECT_EQ(records[0].state, ConnectionState::kRelaying);
  EXPECT_EQ(records[0].requests, 2U);
  EXPECT_EQ(records[0].bytes_in, 100U);
  EXPECT_EQ(records[0].bytes_out, 1001U);
  EXPECT_EQ(records[0].target, "GET origin.example/next");
  EXPECT_EQ(records[1].client, "[2001:db8::1]:80");
  EXPECT_EQ(records[1].target, std::string(55, 'x'));
  EXPECT_EQ(records[2].client, "unix:");
}

TEST_F(ConnectionTableTest, FreesAndReusesEntries) {
  Slab slab = attach();
  ConnectionTable table(slab);
  ConnectionSlot kept = table.add(client_, 0, 1);
  for (int i = 0; i < 100; ++i) {
    ConnectionSlot passing = table.add(client_, 1, 2);
    passing.request("old target");
    ASSERT_THAT(seen(), SizeIs(2));
  }
  EXPECT_THAT(seen(), SizeIs(1));
  EXPECT_EQ(table.size(), 1U);
  EXPECT_EQ(slab.header().entries_used.load(), 2U);
  const ConnectionSlot fresh = table.add(client_, 1, 2);
  EXPECT_EQ(seen()[1].target, "");
  EXPECT_EQ(fresh.id(), 102U);
  ConnectionSlot moved = std::move(kept);
  EXPECT_THAT(seen(), SizeIs(2));
  moved = ConnectionSlot();
  EXPECT_THAT(seen(), SizeIs(1));
}

TEST_F(ConnectionTableTest, ServesOnWhenTheTableIsFull) {
  Slab slab = attach();
  ConnectionTable table(slab);
  std::vector<ConnectionSlot> slots;
  for (int i = 0; i < 6; ++i) slots.push_back(table.add(client_, 0, i));
  slots.back().add_in(1);
  slots.back().request("x");
  EXPECT_EQ(slots.back().id(), 6U);
  EXPECT_THAT(seen(), SizeIs(kConnections));
  EXPECT_EQ(table.unlisted(), 2U);
}

TEST_F(ConnectionTableTest, TellsAfterACrashWhoDied) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    Slab slab = attach();
    ConnectionTable table(slab);
    const ConnectionSlot one = table.add(client_, 0, 1);
    ConnectionSlot two = table.add(client_, 0, 1);
    two.request("GET /died");
    ::abort();
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  const auto dead = seen();
  ASSERT_THAT(dead, SizeIs(2));
  EXPECT_EQ(dead[1].target, "GET /died");

  Slab slab = attach();
  ConnectionTable table(slab);
  EXPECT_THAT(seen(), IsEmpty());
  EXPECT_EQ(table.add(client_, 0, 1).id(), 3U);
}

TEST_F(ConnectionTableTest, ReadsHostileEntriesWithinBounds) {
  Slab slab = attach();
  std::memset(slab.entries().data(), 0xFE, slab.entries().size());  // even sequence numbers, everything else absurd
  slab.header().entries_used.store(UINT64_MAX);
  const auto records = seen();
  ASSERT_THAT(records, SizeIs(kConnections));
  EXPECT_EQ(records[0].client, "?");
  EXPECT_EQ(records[0].state, ConnectionState::kClosing);
  EXPECT_EQ(records[0].target.substr(0, 3), "\xEF\xBF\xBD");
  std::memset(slab.entries().data(), 0xFF, slab.entries().size());  // for ever in the middle of a change
  EXPECT_THAT(seen(), IsEmpty());
}

TEST_F(ConnectionTableTest, NeverShowsHalfOfTwoConnections) {
  Slab slab = attach();
  ConnectionTable table(slab);
  std::atomic<bool> done = false;
  std::jthread writer([&] {
    const std::string a(56, 'a');
    const std::string b(56, 'b');
    for (int i = 0; i < 20'000; ++i) {
      ConnectionSlot slot = table.add(client_, static_cast<std::uint16_t>(i % 2), i % 2);
      slot.request(i % 2 == 0 ? a : b);
    }
    done = true;
  });
  while (!done) {
    for (const ConnectionRecord& record : seen()) {
      EXPECT_EQ(record.started_unix_ms, record.endpoint_index);
      if (record.target.empty()) continue;
      EXPECT_EQ(record.target, std::string(56, record.endpoint_index == 0 ? 'a' : 'b'));
    }
  }
}

}  // namespace
}  // namespace sluice::ipc
