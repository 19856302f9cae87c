// The cache of names, with a clock of the test's own.
#include "worker/offramp/dns_cache.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice::worker {
namespace {

using std::chrono::seconds;

constexpr Nanos at(std::int64_t s) {
  return seconds(1'000 + s);
}

std::vector<ResolvedAddress> one(const DnsCache& cache, std::uint8_t last, seconds ttl, Nanos now) {
  return {{.ip = IpAddress(std::array<std::uint8_t, 4>{192, 0, 2, last}), .expires = cache.expiry(ttl, now)}};
}

TEST(DnsCache, GivesBackUntilTheTtlHasPassed) {
  DnsCache cache(DnsCacheLimits{});
  cache.put("a.example", one(cache, 1, seconds(60), at(0)), at(0));
  ASSERT_NE(cache.find("a.example", at(59)), nullptr);
  EXPECT_EQ(cache.find("a.example", at(59))->addresses.front().ip.text(), "192.0.2.1");
  EXPECT_EQ(cache.find("a.example", at(60)), nullptr);
  EXPECT_EQ(cache.size(), 0U);
  EXPECT_EQ(cache.hits(), 2U);
  EXPECT_EQ(cache.misses(), 1U);
}

TEST(DnsCache, KeepsNoLongerThanItsFirstAddress) {
  DnsCache cache(DnsCacheLimits{});
  auto addresses = one(cache, 1, seconds(60), at(0));
  addresses.push_back(one(cache, 2, seconds(20), at(0)).front());
  cache.put("a.example", addresses, at(0));
  EXPECT_NE(cache.find("a.example", at(19)), nullptr);
  EXPECT_EQ(cache.find("a.example", at(20)), nullptr);
}

TEST(DnsCache, ClampsTheTtl) {
  DnsCache cache({.min_ttl = Millis(5'000), .max_ttl = Millis(100'000)});
  cache.put("short.example", one(cache, 1, seconds(0), at(0)), at(0));
  cache.put("long.example", one(cache, 2, seconds(0x7fff'ffff), at(0)), at(0));
  EXPECT_NE(cache.find("short.example", at(4)), nullptr);
  EXPECT_EQ(cache.find("short.example", at(5)), nullptr);
  EXPECT_NE(cache.find("long.example", at(99)), nullptr);
  EXPECT_EQ(cache.find("long.example", at(100)), nullptr);
}

TEST(DnsCache, TtlZeroIsNotKeptUnlessTheMinimumSaysSo) {
  DnsCache cache(DnsCacheLimits{});
  cache.put("a.example", one(cache, 1, seconds(0), at(0)), at(0));
  EXPECT_EQ(cache.size(), 0U);
}

TEST(DnsCache, RemembersThatThereIsNothingForALimitedTime) {
  DnsCache cache({.negative_ttl = Millis(10'000)});
  cache.put_negative("no.example", "no such name", seconds(900), at(0));
  cache.put_negative("soon.example", "no such name", seconds(3), at(0));
  ASSERT_NE(cache.find("no.example", at(9)), nullptr);
  EXPECT_TRUE(cache.find("no.example", at(9))->addresses.empty());
  EXPECT_EQ(cache.find("no.example", at(9))->reason, "no such name");
  EXPECT_EQ(cache.find("no.example", at(10)), nullptr);
  EXPECT_EQ(cache.find("soon.example", at(3)), nullptr);
}

TEST(DnsCache, NegativeTtlZeroKeepsNothing) {
  DnsCache cache({.negative_ttl = Millis(0)});
  cache.put_negative("no.example", "no such name", seconds(900), at(0));
  EXPECT_EQ(cache.size(), 0U);
}

TEST(DnsCache, ReplacesWhatItHad) {
  DnsCache cache(DnsCacheLimits{});
  cache.put_negative("a.example", "no such name", seconds(5), at(0));
  cache.put("a.example", one(cache, 7, seconds(60), at(1)), at(1));
  EXPECT_EQ(cache.find("a.example", at(30))->addresses.front().ip.text(), "192.0.2.7");
  EXPECT_EQ(cache.size(), 1U);
}

TEST(DnsCache, TheLeastRecentlyUsedNameGoesFirst) {
  DnsCache cache({.names = 2});
  cache.put("a.example", one(cache, 1, seconds(60), at(0)), at(0));
  cache.put("b.example", one(cache, 2, seconds(60), at(0)), at(0));
  ASSERT_NE(cache.find("a.example", at(1)), nullptr);
  cache.put("c.example", one(cache, 3, seconds(60), at(1)), at(1));
  EXPECT_NE(cache.find("a.example", at(2)), nullptr);
  EXPECT_EQ(cache.find("b.example", at(2)), nullptr);
  EXPECT_NE(cache.find("c.example", at(2)), nullptr);
  EXPECT_EQ(cache.evictions(), 1U);
}

TEST(DnsCache, NeverHoldsMoreNamesThanItsLimit) {
  DnsCache cache({.names = 100});
  for (int i = 0; i < 10'000; ++i) {
    const std::string name = "n" + std::to_string(i) + ".example";
    cache.put(name, one(cache, 1, seconds(60), at(0)), at(0));
    ASSERT_LE(cache.size(), 100U);
    ASSERT_NE(cache.find(name, at(0)), nullptr);
  }
  EXPECT_EQ(cache.evictions(), 9'900U);
}

TEST(DnsCache, WithoutNamesItKeepsNothing) {
  DnsCache cache({.names = 0});
  cache.put("a.example", one(cache, 1, seconds(60), at(0)), at(0));
  EXPECT_EQ(cache.find("a.example", at(0)), nullptr);
}

}  // namespace
}  // namespace sluice::worker
