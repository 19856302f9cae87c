// Rows of servers, written by a worker and read by somebody who does not believe it.
#include "ipc/server_table.h"

#include <gtest/gtest.h>

#include <cstring>

namespace sluice::ipc {
namespace {

class ServerTableTest : public testing::Test {
 protected:
  std::vector<ServerRow> read() { return read_servers(*reader_.view()); }

  Fd fd_ = make_slab("test", 4).value();
  Slab slab_ = Slab::attach(fd_.get()).value();
  SlabReader reader_ = SlabReader::open(fd_.get()).value();
  ServerTable table_{slab_};
};

TEST_F(ServerTableTest, ShowsWhatWasWritten) {
  EXPECT_TRUE(read().empty());
  const ServerRow row{.upstream = "origin",
                      .server = "[2001:db8::1]:80",
                      .flags = ServerRow::kActive | ServerRow::kEjected,
                      .weight = 3,
                      .in_flight = 4,
                      .idle = 5,
                      .queue = 6,
                      .requests = 7,
                      .failures = 8,
                      .ejections = 9,
                      .last_error = 10,
                      .last_error_unix_ms = 11};
  table_.write(0, row);
  const std::vector<ServerRow> rows = read();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].upstream, row.upstream);
  EXPECT_EQ(rows[0].server, row.server);
  EXPECT_TRUE(rows[0].is(ServerRow::kEjected));
  EXPECT_FALSE(rows[0].is(ServerRow::kServing));
  EXPECT_EQ(rows[0].weight, 3U);
  EXPECT_EQ(rows[0].in_flight, 4U);
  EXPECT_EQ(rows[0].idle, 5U);
  EXPECT_EQ(rows[0].queue, 6U);
  EXPECT_EQ(rows[0].requests, 7U);
  EXPECT_EQ(rows[0].failures, 8U);
  EXPECT_EQ(rows[0].ejections, 9U);
  EXPECT_EQ(rows[0].last_error, 10U);
  EXPECT_EQ(rows[0].last_error_unix_ms, 11);
}

TEST_F(ServerTableTest, LongNamesAreCutAndRowsBeyondTheTableLeftOut) {
  table_.write(1, {.upstream = std::string(100, 'u'), .server = std::string(200, 's')});
  EXPECT_EQ(read().at(1).upstream, std::string(64, 'u'));
  EXPECT_EQ(read().at(1).server, std::string(96, 's'));
  table_.write(kServerEntries, {.upstream = "beyond"});
  EXPECT_EQ(read().size(), 2U);
}

TEST_F(ServerTableTest, ANewIncarnationBeginsAnew) {
  table_.write(0, {.upstream = "old"});
  const ServerTable next(slab_);
  EXPECT_TRUE(read().empty());
}

TEST_F(ServerTableTest, ARowThatIsBeingChangedIsNotShown) {
  table_.write(0, {.upstream = "a"});
  table_.write(1, {.upstream = "b"});
  auto* const entries = reinterpret_cast<ServerEntry*>(slab_.servers().data());
  entries[0].sequence.store(7);
  ASSERT_EQ(read().size(), 1U);
  EXPECT_EQ(read()[0].upstream, "b");
}

TEST_F(ServerTableTest, ALieIsBoundedAndPrintable) {
  slab_.header().servers_used.store(UINT64_MAX);
  std::memset(slab_.servers().data(), 0x9a, slab_.servers().size());
  const std::vector<ServerRow> rows = read();
  EXPECT_EQ(rows.size(), kServerEntries);
  EXPECT_NE(rows[0].upstream.find("\xef\xbf\xbd"), std::string::npos);
}

}  // namespace
}  // namespace sluice::ipc
