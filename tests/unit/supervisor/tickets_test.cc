#include "supervisor/tickets.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sluice::supervisor {
namespace {

using std::chrono::hours;

bool same(const ipc::TicketKeys::Item& one, const ipc::TicketKeys::Item& other) {
  return one.name == other.name && one.secret == other.secret;
}
bool same(const ipc::TicketKeys& one, const ipc::TicketKeys& other) {
  return std::ranges::equal(one.items, other.items, [](const auto& a, const auto& b) { return same(a, b); });
}

TEST(TicketsOfTheSupervisor, AreTheSameForAllWhoAskAndOthersForOtherTenants) {
  Tickets tickets;
  const ipc::TicketKeys first = tickets.of("a", Nanos(0));
  ASSERT_EQ(first.items.size(), 3U);
  EXPECT_TRUE(same(first, tickets.of("a", hours(1))));
  EXPECT_FALSE(same(first, tickets.of("b", Nanos(0))));
  for (const ipc::TicketKeys::Item& item : first.items) {
    EXPECT_EQ(item.name.size(), ipc::TicketKeys::kName);
    EXPECT_EQ(item.secret.size(), ipc::TicketKeys::kSecret);
  }
}

TEST(TicketsOfTheSupervisor, ChangeSoThatNobodyIsAhead) {
  Tickets tickets;
  EXPECT_FALSE(tickets.rotate("a", hours(100), hours(12))) << "nobody has any";
  const ipc::TicketKeys before = tickets.of("a", hours(100));
  EXPECT_FALSE(tickets.rotate("a", hours(111), hours(12)));
  ASSERT_TRUE(tickets.rotate("a", hours(112), hours(12)));
  EXPECT_FALSE(tickets.rotate("a", hours(112), hours(12)));
  const ipc::TicketKeys after = tickets.of("a", hours(112));
  EXPECT_TRUE(same(after.items[0], before.items[1])) << "who still has the old ones can open it";
  EXPECT_TRUE(same(after.items[2], before.items[0])) << "what they have sealed can be opened";
  EXPECT_FALSE(same(after.items[1], before.items[2]));
}

TEST(TicketsOfTheSupervisor, GoOnInTheNextSupervisor) {
  Tickets tickets;
  const ipc::TicketKeys keys = tickets.of("a", hours(1));
  Tickets next;
  ASSERT_TRUE(next.go_on_with(tickets.save()).has_value());
  EXPECT_TRUE(same(next.of("a", hours(2)), keys));
  EXPECT_FALSE(next.rotate("a", hours(12), hours(12)));
  EXPECT_TRUE(next.rotate("a", hours(13), hours(12)));
  EXPECT_FALSE(Tickets().go_on_with({{.tenant = "a", .since = 0, .hex = "00"}}).has_value());
  EXPECT_FALSE(Tickets().go_on_with({{.tenant = "a", .since = 0, .hex = "x"}}).has_value());
}

TEST(TicketsOfTheSupervisor, AreForgottenWithTheirTenant) {
  Tickets tickets;
  const ipc::TicketKeys keys = tickets.of("a", Nanos(0));
  tickets.forget([](const std::string& tenant) { return tenant == "b"; });
  EXPECT_TRUE(same(tickets.of("a", Nanos(0)), keys));
  tickets.forget([](const std::string& tenant) { return tenant == "a"; });
  EXPECT_FALSE(same(tickets.of("a", Nanos(0)), keys));
}

}  // namespace
}  // namespace sluice::supervisor
