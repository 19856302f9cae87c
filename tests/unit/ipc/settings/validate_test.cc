// The rules between fields of the configuration, each by a configuration that breaks just it.
#include <gtest/gtest.h>

#include "ipc/settings/settings.h"

namespace sluice::ipc {
namespace {

std::string faults(const Settings& settings) {
  settings::Problems problems;
  settings.validate(problems);
  return problems.text();
}

class Validate : public testing::Test {
 protected:
  Settings settings_ = [] {
    Settings settings = Settings::example();
    settings.tenants.reserve(2);  // the references below survive a second tenant
    return settings;
  }();
  TenantSettings& tenant_ = settings_.tenants[0];
  EndpointSettings& web_ = tenant_.endpoints[0];
  EndpointSettings& forward_ = tenant_.endpoints[1];
};

TEST_F(Validate, TakesTheExample) {
  EXPECT_EQ(faults(settings_), "");
}

TEST_F(Validate, WantsATenantAndAnEndpoint) {
  EXPECT_EQ(faults(Settings{}), "tenants: there is no tenant, so there is nothing to do: write at least one\n");
  tenant_.endpoints.clear();
  EXPECT_EQ(faults(settings_), "tenants[0].endpoints: the tenant has no endpoint: write at least one\n");
}

TEST_F(Validate, WantsNamesThatDiffer) {
  settings_.tenants.push_back(
      {.name = "default", .endpoints = {{.name = "e", .listen = {"127.0.0.1:1"}, .mode = Mode::kForward}}});
  forward_.name = "web";
  tenant_.upstreams.push_back(tenant_.upstreams[0]);
  EXPECT_EQ(faults(settings_),
            "tenants[0].upstreams[1].name: \"origin\" is already used at tenants[0].upstreams[0].name\n"
            "tenants[0].endpoints[1].name: \"web\" is already used at tenants[0].endpoints[0].name\n"
            "tenants[1].name: \"default\" is already used at tenants[0].name\n");
}

TEST_F(Validate, TwoTenantsMayUseTheSameNamesInside) {
  settings_.tenants.push_back(tenant_);
  TenantSettings& other = settings_.tenants[1];
  other.name = "other";
  other.endpoints[0].listen = {"127.0.0.1:1"};
  other.endpoints[1].listen = {"127.0.0.1:2"};
  EXPECT_EQ(faults(settings_), "");
}

TEST_F(Validate, KeepsItsOwnTenantsName) {
  tenant_.name = "sluice";
  EXPECT_EQ(faults(settings_), "tenants[0].name: \"sluice\" is the name of sluice's own tenant\n");
}

TEST_F(Validate, WantsNamesAndServersThatWereLeftOut) {
  web_.name.clear();
  tenant_.upstreams[0].servers.clear();
  forward_.listen.clear();
  EXPECT_EQ(faults(settings_),
            "tenants[0].upstreams[0].servers: the upstream has no servers\n"
            "tenants[0].endpoints[0]: has no name\n"
            "tenants[0].endpoints[1].listen: the endpoint listens nowhere: write at least one address\n");
}

TEST_F(Validate, WantsRoutesWhereTheyBelongAndNowhereElse) {
  forward_.routes = web_.routes;
  web_.routes.clear();
  EXPECT_EQ(faults(settings_),
            "tenants[0].endpoints[0].routes: an endpoint with \"mode: reverse\" needs at least one route\n"
            "tenants[0].endpoints[1].routes: routes belong to \"mode: reverse\"; this endpoint is forward\n");
}

TEST_F(Validate, WantsRoutesToKnownUpstreams) {
  web_.routes[0].upstream = "orgin";
  EXPECT_EQ(
      faults(settings_),
      "tenants[0].endpoints[0].routes[0].upstream: the tenant has no upstream \"orgin\"; did you mean \"origin\"?\n");
}

TEST_F(Validate, WantsRoutesThatDiffer) {
  web_.routes = {{.hosts = {"a.example"}, .upstream = "origin"},
                 {.hosts = {"b.example", "A.Example"}, .upstream = "origin"},
                 {.hosts = {"a.example"}, .path = "/x", .upstream = "origin"}};
  EXPECT_EQ(faults(settings_),
            "tenants[0].endpoints[0].routes[1]: \"a.example/\" is already used at tenants[0].endpoints[0].routes[0]\n");
}

TEST_F(Validate, WantsExactlyOneThingOfARoute) {
  web_.routes = {{.path = "/a"}, {.path = "/b", .upstream = "origin"}, {.path = "/c"}, {.path = "/d"}};
  web_.routes[1].redirect.to = "/x";
  web_.routes[2].respond.status = 404;
  web_.routes[3].redirect = {.to = "/y", .status = 305};
  EXPECT_EQ(faults(settings_),
            "tenants[0].endpoints[0].routes[0]: has none of upstream, redirect.to and respond.status\n"
            "tenants[0].endpoints[0].routes[1]: has more than one of upstream, redirect.to and respond.status\n"
            "tenants[0].endpoints[0].routes[3].redirect.status: is not 301, 302, 303, 307 or 308\n");
}

TEST_F(Validate, WantsUsersOfForwardEndpointsOnly) {
  web_.proxy_auth.enabled = true;
  forward_.proxy_auth.enabled = true;
  forward_.proxy_auth.users["a"] = "x";
  web_.proxy_auth.users = forward_.proxy_auth.users;
  EXPECT_EQ(faults(settings_),
            "tenants[0].endpoints[0].proxy_auth.enabled: belongs to \"mode: forward\"; this endpoint is reverse\n");
  web_.proxy_auth.enabled = false;
  forward_.proxy_auth.users.clear();
  EXPECT_EQ(faults(settings_),
            "tenants[0].endpoints[1].proxy_auth.users: there is no user, so nobody would be served\n");
}

TEST_F(Validate, WantsAPageFromAFileOrFromItsText) {
  web_.error_pages = {{.text = "x"}, {.file = "/x"}, {}, {.file = "/x", .text = "x"}};
  EXPECT_EQ(faults(settings_),
            "tenants[0].endpoints[0].error_pages[2]: has not exactly one of file and text\n"
            "tenants[0].endpoints[0].error_pages[3]: has not exactly one of file and text\n");
}

TEST_F(Validate, FindsAddressesUsedTwiceAcrossTheFile) {
  web_.listen = {"127.0.0.1:9464", "dual:[::]:80", "127.0.0.1:0"};
  forward_.listen = {"[::]:80", "0.0.0.0:80", "127.0.0.1:0"};
  EXPECT_EQ(faults(settings_),
            "tenants[0].endpoints[0].listen[0]: \"127.0.0.1:9464\" is already used at admin.listen[0]\n"
            "tenants[0].endpoints[1].listen[0]: \"[::]:80\" is already used at tenants[0].endpoints[0].listen[1]\n"
            "tenants[0].endpoints[1].listen[1]: \"0.0.0.0:80\" is already used at tenants[0].endpoints[0].listen[1]\n");
  settings_.admin.enabled = false;
  forward_.listen = {"127.0.0.1:1"};
  EXPECT_EQ(faults(settings_), "") << "an admin that is off uses no address";
}

TEST_F(Validate, WantsSomebodyToTrustWithTheProxyProtocol) {
  web_.proxy_protocol.enabled = true;
  EXPECT_EQ(faults(settings_),
            "tenants[0].endpoints[0].proxy_protocol: trusts nobody, so every connection would be closed: write "
            "`trusted`\n");
  web_.proxy_protocol.trusted = {"10.0.0.0/8"};
  EXPECT_EQ(faults(settings_), "");
  web_.proxy_protocol.trusted.clear();
  web_.listen = {"unix:/run/a.sock"};
  EXPECT_EQ(faults(settings_), "");
}

TEST_F(Validate, ComparesLimitsAndTimes) {
  tenant_.limits.connections = tenant_.limits.descriptors;
  tenant_.resolver.min_ttl = 2h;
  settings_.restart_policy.backoff_min = 1min;
  web_.http.request_line_limit = Size::kib(64);
  tenant_.forward.connect_timeout = 20s;
  EXPECT_EQ(faults(settings_),
            "restart_policy.backoff_min: is more than backoff_max\n"
            "tenants[0].forward.connect_timeout: is more than connect_total_timeout\n"
            "tenants[0].endpoints[0].http.request_line_limit: is more than head_limit\n"
            "tenants[0].limits.connections: is not less than limits.descriptors: each connection needs one, and its "
            "origin another\n"
            "tenants[0].resolver.min_ttl: is more than max_ttl\n");
}

}  // namespace
}  // namespace sluice::ipc
