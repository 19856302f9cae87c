// Every setting of names and egress arrives where it works.
#include "worker/offramp/from_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::worker {
namespace {

using testing::ElementsAre;

TEST(FromSettings, ServersGetTheDnsPortUnlessTheyNameOne) {
  ipc::ResolverSettings settings;
  settings.servers = {"192.0.2.53", "2001:db8::53", "192.0.2.53:5353", "[2001:db8::53]:5353"};
  std::vector<std::string> texts;
  for (const SocketAddress& server : resolver_options(settings).value().servers) texts.push_back(server.text());
  EXPECT_THAT(texts, ElementsAre("192.0.2.53:53", "[2001:db8::53]:53", "192.0.2.53:5353", "[2001:db8::53]:5353"));
}

TEST(FromSettings, TimesAndLimitsOfTheResolver) {
  ipc::ResolverSettings settings;
  settings.rotate = true;
  settings.timeout = Millis(123);
  settings.attempts = 7;
  settings.cache_entries = 42;
  settings.min_ttl = Millis(1'500);
  settings.max_ttl = Millis(9'500);
  settings.negative_ttl = Millis(250);
  const ResolverOptions options = resolver_options(settings).value();
  EXPECT_EQ(options.order, ServerOrder::kRotating);
  EXPECT_EQ(options.timeout, Millis(123));
  EXPECT_EQ(options.tries, 7);
  EXPECT_EQ(options.cache.names, 42U);
  EXPECT_EQ(options.cache.min_ttl, Millis(1'500));
  EXPECT_EQ(options.cache.max_ttl, Millis(9'500));
  EXPECT_EQ(options.cache.negative_ttl, Millis(250));
}

TEST(FromSettings, HostsAreFoundWhateverTheirCase) {
  ipc::ResolverSettings settings;
  settings.hosts["Origin.Internal."] = {"10.0.0.7", "fd00::7"};
  const ResolverOptions options = resolver_options(settings).value();
  ASSERT_TRUE(options.hosts.contains("origin.internal"));
  EXPECT_EQ(options.hosts.find("origin.internal")->second.size(), 2U);
}

TEST(FromSettings, TextsThatNoCheckHasSeenAreRefused) {
  ipc::ResolverSettings servers;
  servers.servers = {"dns.example"};
  EXPECT_EQ(resolver_options(servers).error().code(), Code::kBadConfig);
  ipc::ResolverSettings hosts;
  hosts.hosts["a.example"] = {"b.example"};
  EXPECT_EQ(resolver_options(hosts).error().code(), Code::kBadConfig);
  ipc::EgressSettings egress;
  egress.deny = {"10.0.0.0/33"};
  EXPECT_EQ(egress_rules(egress).error().code(), Code::kBadConfig);
}

TEST(FromSettings, EgressRulesDoWhatTheSettingsSay) {
  const auto allows = [](const ipc::EgressSettings& settings, std::string_view address) {
    return EgressPolicy(egress_rules(settings).value()).check(SocketAddress::parse(address).value()).has_value();
  };
  ipc::EgressSettings settings;
  EXPECT_FALSE(allows(settings, "10.0.0.1:80"));
  EXPECT_TRUE(allows(settings, "8.8.8.8:80"));
  settings.deny = {"8.8.8.0/24"};
  settings.allow = {"10.1.0.0/16"};
  EXPECT_FALSE(allows(settings, "8.8.8.8:80"));
  EXPECT_TRUE(allows(settings, "10.1.0.1:80"));
  EXPECT_FALSE(allows(settings, "127.0.0.1:80"));
  settings.allow_private = true;
  EXPECT_TRUE(allows(settings, "127.0.0.1:80"));
  EXPECT_FALSE(allows(settings, "169.254.169.254:80"));
}

}  // namespace
}  // namespace sluice::worker
