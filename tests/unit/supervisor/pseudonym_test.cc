#include "supervisor/pseudonym.h"

#include <gtest/gtest.h>

namespace sluice::supervisor {
namespace {

ipc::TenantSettings tenant(const std::string& name) {
  ipc::TenantSettings settings;
  settings.name = name;
  settings.endpoints.resize(2);
  settings.endpoints[0].name = "web";
  settings.endpoints[0].http.via = "auto";
  settings.endpoints[1].name = "own";
  settings.endpoints[1].http.via = "edge.example";
  fill_pseudonyms(settings);
  return settings;
}

TEST(Pseudonym, EachEndpointHasOneThatStays) {
  const std::string mine = tenant("acme").endpoints[0].http.via;
  EXPECT_EQ(mine.size(), std::string("sluice-00000000").size()) << mine;
  EXPECT_TRUE(mine.starts_with("sluice-"));
  EXPECT_EQ(tenant("acme").endpoints[0].http.via, mine) << "every worker says the same";
  EXPECT_NE(tenant("other").endpoints[0].http.via, mine);
  EXPECT_EQ(tenant("acme").endpoints[1].http.via, "edge.example");
}

}  // namespace
}  // namespace sluice::supervisor
