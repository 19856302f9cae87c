#include "supervisor/name_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::supervisor {
namespace {
using testing::ElementsAre;

TEST(NameService, TakesTheFirstThreeServersThatAreAddresses) {
  EXPECT_THAT(servers_in("# nameserver 192.0.2.9\n"
                         "search example\n"
                         "nameserver 192.0.2.1 ; the first\n"
                         "nameserver not-an-address\n"
                         "nameserver\n"
                         "  nameserver\t2001:db8::1\n"
                         "nameserver 192.0.2.3\n"
                         "nameserver 192.0.2.4"),
              ElementsAre("192.0.2.1", "2001:db8::1", "192.0.2.3"));
  EXPECT_TRUE(servers_in("").empty());
}

TEST(NameService, GathersTheAddressesOfEachNameInOrder) {
  const auto names = names_in(
      "127.0.0.1 localhost Alias # not-me\n"
      "::1 localhost\n"
      "127.0.0.1 localhost\n"
      "not-an-address name\n"
      "192.0.2.1 bad_..name good.example\n");
  ASSERT_TRUE(names.contains("localhost"));
  EXPECT_THAT(names.at("localhost"), ElementsAre("127.0.0.1", "::1"));
  EXPECT_THAT(names.at("alias"), ElementsAre("127.0.0.1")) << "names are kept in lower case";
  EXPECT_THAT(names.at("good.example"), ElementsAre("192.0.2.1"));
  EXPECT_EQ(names.size(), 3U);
}

TEST(NameService, ALongHostsFileIsCutAtTenThousandNames) {
  std::string hosts;
  for (int i = 0; i < 10'050; ++i) hosts += "192.0.2.1 name" + std::to_string(i) + "\n";
  EXPECT_EQ(names_in(hosts).size(), 10'000U);
}

TEST(NameService, WhatTheConfigurationSaysStays) {
  ipc::ResolverSettings resolver;
  resolver.servers = {"192.0.2.53"};
  resolver.hosts["localhost"] = {"192.0.2.99"};
  fill_name_service(resolver);
  EXPECT_THAT(resolver.servers, ElementsAre("192.0.2.53"));
  EXPECT_THAT(resolver.hosts.at("localhost"), ElementsAre("192.0.2.99"));
  ipc::ResolverSettings open;
  fill_name_service(open);
  EXPECT_FALSE(open.servers.empty());
}

}  // namespace
}  // namespace sluice::supervisor
