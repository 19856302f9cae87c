#include "worker/tls/tickets.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>

namespace sluice::worker {
namespace {

using Bytes = std::vector<std::uint8_t>;

ipc::TicketKeys keys(std::string_view names) {
  ipc::TicketKeys all;
  for (const char name : names) all.items.push_back({.name = std::string(16, name), .secret = std::string(32, name)});
  return all;
}

Bytes sealed(const Tickets& tickets, const Bytes& session) {
  Bytes out(session.size() + Tickets::kOverhead);
  const std::optional<std::size_t> size = tickets.seal(out, session);
  EXPECT_EQ(size, out.size());
  return out;
}

std::optional<Bytes> opened(const Tickets& tickets, const Bytes& ticket) {
  Bytes out(ticket.size());
  const std::optional<std::size_t> size = tickets.open(out, ticket);
  if (!size) return std::nullopt;
  out.resize(*size);
  return out;
}

const Bytes kSession = {1, 2, 3, 4, 5};

TEST(Tickets, SealedWithTheFirstKeyAreOpenedWithAny) {
  Tickets mine;
  Tickets others;
  mine.set(keys("abc"));
  others.set(keys("xa"));
  const Bytes ticket = sealed(mine, kSession);
  EXPECT_EQ(opened(mine, ticket), kSession);
  EXPECT_EQ(opened(others, ticket), kSession);
  others.set(keys("bc"));
  EXPECT_EQ(opened(others, ticket), std::nullopt) << "not sealed with these";
  EXPECT_NE(sealed(mine, kSession), ticket) << "a nonce of its own";
}

TEST(Tickets, ThatWereTouchedAreNotOpened) {
  Tickets tickets;
  tickets.set(keys("ab"));
  const Bytes ticket = sealed(tickets, kSession);
  for (std::size_t at = 0; at < ticket.size(); ++at) {
    Bytes touched = ticket;
    touched[at] ^= 1;
    EXPECT_EQ(opened(tickets, touched), std::nullopt) << at;
  }
  for (std::size_t size = 0; size < ticket.size(); ++size)
    EXPECT_EQ(opened(tickets, Bytes(ticket.begin(), ticket.begin() + static_cast<std::ptrdiff_t>(size))), std::nullopt);
}

TEST(Tickets, AreSealedAndOpenedWhereTheyStand) {
  Tickets tickets;
  tickets.set(keys("a"));
  Bytes place(kSession.size() + Tickets::kOverhead);
  std::ranges::copy(kSession, place.begin());
  const auto size = tickets.seal(place, std::span(place).first(kSession.size()));
  ASSERT_EQ(size, place.size());
  EXPECT_EQ(tickets.open(place, place), kSession.size());
  EXPECT_TRUE(std::equal(kSession.begin(), kSession.end(), place.begin()));
}

TEST(Tickets, AreNotMadeWithoutAKeyOrWithoutRoom) {
  Tickets tickets;
  EXPECT_FALSE(tickets.any());
  Bytes out(kSession.size() + Tickets::kOverhead);
  EXPECT_EQ(tickets.seal(out, kSession), std::nullopt);
  tickets.set(keys("a"));
  EXPECT_EQ(tickets.seal(std::span(out).first(out.size() - 1), kSession), std::nullopt);
}

}  // namespace
}  // namespace sluice::worker
