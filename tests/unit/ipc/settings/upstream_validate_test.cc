// Rules between the fields of an upstream.
#include <gtest/gtest.h>

#include "base/settings/problems.h"
#include "ipc/settings/settings.h"

namespace sluice::ipc {
namespace {

std::string faults(const UpstreamSettings& upstream) {
  Settings settings;
  settings.admin.enabled = false;
  settings.tenants.push_back(
      {.endpoints = {{.name = "web", .listen = {"127.0.0.1:1"}, .routes = {{.upstream = upstream.name}}}},
       .upstreams = {upstream}});
  settings::Problems problems;
  settings.validate(problems);
  return problems.text();
}

UpstreamSettings good() {
  return {.name = "u", .servers = {"a.example:80", "b.example:80"}};
}

TEST(ValidateUpstream, OptionsAreOfServersThatAreThere) {
  UpstreamSettings upstream = good();
  upstream.server_options["a.example:80"].weight = 3;
  EXPECT_EQ(faults(upstream), "");
  upstream.server_options["a.exmple:80"].weight = 3;
  EXPECT_EQ(faults(upstream),
            "tenants[0].upstreams[0].server_options: \"a.exmple:80\" is not one of `servers`; did you mean "
            "\"a.example:80\"?\n");
}

TEST(ValidateUpstream, AServerIsWrittenOnce) {
  UpstreamSettings upstream = good();
  upstream.servers.emplace_back("A.example:80");
  EXPECT_EQ(faults(upstream),
            "tenants[0].upstreams[0].servers[2]: \"a.example:80\" is already used at "
            "tenants[0].upstreams[0].servers[0]\n");
}

TEST(ValidateUpstream, SomebodyMustServe) {
  UpstreamSettings upstream = good();
  upstream.server_options["a.example:80"].state = ServerState::kDrain;
  EXPECT_EQ(faults(upstream), "");
  upstream.server_options["b.example:80"].state = ServerState::kDrain;
  EXPECT_EQ(faults(upstream),
            "tenants[0].upstreams[0].server_options: every server is drained, so nobody can be served\n");
}

TEST(ValidateUpstream, AHeaderOrCookieToHashByHasAName) {
  UpstreamSettings upstream = good();
  upstream.hash.by = HashBy::kCookie;
  EXPECT_EQ(faults(upstream), "tenants[0].upstreams[0].hash.name: is needed to hash by header or cookie\n");
  upstream.hash.name = "user";
  EXPECT_EQ(faults(upstream), "");
}

TEST(ValidateUpstream, TheVersionIsKnownAndConnectionsMayBeShared) {
  UpstreamSettings upstream = good();
  upstream.http.versions = {HttpVersion::kHttp2};
  EXPECT_EQ(faults(upstream), "");
  upstream.http.versions = {HttpVersion::kHttp2, HttpVersion::kHttp1};
  EXPECT_EQ(faults(upstream),
            "tenants[0].upstreams[0].http.versions: has two versions, but without TLS a server cannot say which it "
            "speaks\n");
  upstream.tls.enabled = true;
  EXPECT_EQ(faults(upstream), "");
  upstream.send_proxy = SendProxy::kV2;
  EXPECT_EQ(faults(upstream),
            "tenants[0].upstreams[0].send_proxy: makes a connection one client's, but over HTTP/2 clients share "
            "connections\n");
}

TEST(ValidateUpstream, TlsIsNotHalfOfIt) {
  UpstreamSettings upstream = good();
  upstream.tls.pins = {"sha256/"};
  EXPECT_EQ(faults(upstream),
            "tenants[0].upstreams[0].tls.enabled: is false, so everything else here would do nothing\n");
  upstream.tls = {.enabled = true, .ca_file = "/ca", .ca = "x"};
  EXPECT_EQ(faults(upstream), "tenants[0].upstreams[0].tls: has both ca_file and ca\n");
  upstream.tls = {.enabled = true, .certificate = "x"};
  EXPECT_EQ(faults(upstream), "tenants[0].upstreams[0].tls: a certificate and its key go together\n");
  upstream.tls = {.enabled = true, .certificate_file = "/x", .key = "x"};
  EXPECT_EQ(faults(upstream), "");
}

TEST(ValidateUpstream, WhoIsVerifiedIsSaidOnce) {
  UpstreamSettings upstream = good();
  upstream.tls = {.enabled = true, .verify = VerifyOrigin::kPins};
  EXPECT_EQ(faults(upstream),
            "tenants[0].upstreams[0].tls.pins: there is no pin, so no server would be the right one\n");
  upstream.tls = {.enabled = true, .verify = VerifyOrigin::kInsecure, .pins = {"p"}};
  EXPECT_EQ(faults(upstream),
            "tenants[0].upstreams[0].tls.verify: is insecure, but there are `pins`: write \"verify: pins\"\n");
  upstream.tls = {.enabled = true, .verify = VerifyOrigin::kInsecure, .ca = "x"};
  EXPECT_EQ(faults(upstream),
            "tenants[0].upstreams[0].tls.verify: is not \"certificate\", so the trusted certificates would do "
            "nothing\n");
}

}  // namespace
}  // namespace sluice::ipc
