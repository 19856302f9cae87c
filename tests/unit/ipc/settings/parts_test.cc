// Settings on their way to workers: in small pieces, and whole again at the end.
#include "ipc/settings/parts.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "ipc/settings/settings.h"

namespace sluice::ipc {
namespace {

TenantSettings tenant_of(std::size_t routes, std::size_t upstreams) {
  TenantSettings tenant = Settings::example().tenants.at(0);
  for (std::size_t i = 0; i < upstreams; ++i) {
    UpstreamSettings upstream;
    upstream.name = "u" + std::to_string(i);
    upstream.servers = {"127.0.0.1:" + std::to_string(1000 + i)};
    tenant.upstreams.push_back(std::move(upstream));
  }
  for (std::size_t i = 0; i < routes; ++i)
    tenant.endpoints.at(i % 2).routes.push_back(
        {.hosts = {"h" + std::to_string(i)}, .path = "/", .respond = {.status = 200, .body = "line\nbreak"}});
  return tenant;
}

TEST(Parts, BringTheWholeTenantInItsOrder) {
  for (const std::size_t many : {0U, 1U, 25U, 26U, 333U}) {
    const TenantSettings tenant = tenant_of(many, many / 3);
    const Result<TenantSettings> back = tenant_from_parts(to_parts(tenant));
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_EQ(to_json(*back), to_json(tenant)) << many;
  }
}

TEST(Parts, AreSmall) {
  const std::string text = to_parts(tenant_of(1000, 100));
  std::size_t longest = 0;
  std::size_t count = 0;
  for (std::string_view rest = text; !rest.empty(); ++count) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    longest = std::max(longest, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  EXPECT_GE(count, 60U);
  EXPECT_LT(longest, text.size() / 20);
}

TEST(Parts, MayBeOne) {
  const TenantSettings tenant = tenant_of(7, 2);
  const Result<TenantSettings> back = tenant_from_parts(to_json(tenant));
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(to_json(*back), to_json(tenant));
}

TEST(Parts, OfSomethingElseAreRefused) {
  const std::string good = to_parts(tenant_of(1, 0));
  EXPECT_TRUE(tenant_from_parts(good));
  EXPECT_FALSE(tenant_from_parts(""));
  EXPECT_FALSE(tenant_from_parts("\n" + good));
  EXPECT_FALSE(tenant_from_parts(good.substr(0, good.size() - 1)));
  EXPECT_FALSE(tenant_from_parts(good + "\n{\"endpoint\":2,\"routes\":[]}"));
  EXPECT_FALSE(tenant_from_parts(good + "\n{\"endpoints\":[]}"));
}

}  // namespace
}  // namespace sluice::ipc
