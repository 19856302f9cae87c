#include "supervisor/accounts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace sluice::supervisor {
namespace {
using testing::HasSubstr;

constexpr const char* kNobody = "no-such-account-here";

TEST(Accounts, AGroupIsANameOrANumber) {
  EXPECT_EQ(find_group("root").value(), 0U);
  EXPECT_EQ(find_group("4242").value(), 4242U);
  const Result<gid_t> missing = find_group(kNobody);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), Code::kBadConfig);
  EXPECT_THAT(missing.error().message(), HasSubstr(kNobody));
  EXPECT_FALSE(find_group("12x"));
}

TEST(Accounts, RootGivesEachTenantItsIds) {
  PrivateIds private_ids;
  ipc::TenantSettings tenant;
  tenant.name = "acme";
  const auto own = worker_ids(tenant, private_ids);
  ASSERT_TRUE(own);
  if (::geteuid() != 0) {
    EXPECT_FALSE(own->has_value()) << "who is not root cannot change";
    return;
  }
  EXPECT_EQ((*own)->uid, PrivateIds().of("acme").uid);
  tenant.user = "4242";
  tenant.group = "4343";
  const auto chosen = worker_ids(tenant, private_ids);
  ASSERT_TRUE(chosen && *chosen);
  EXPECT_EQ((*chosen)->uid, 4242U);
  EXPECT_EQ((*chosen)->gid, 4343U);
  tenant.group.clear();
  EXPECT_EQ(worker_ids(tenant, private_ids).value()->gid, 4242U) << "a number without an account is its own group";
  tenant.user = kNobody;
  EXPECT_FALSE(worker_ids(tenant, private_ids));
}

TEST(Accounts, AllThatAreMissingAreProblemsWithTheirPaths) {
  ipc::Settings settings;
  settings.control.group = kNobody;
  settings.tenants.resize(3);
  settings.tenants[0].user = kNobody;
  settings.tenants[1].group = kNobody;
  settings.tenants[2].user = "root";
  settings::Problems problems;
  check_accounts(settings, problems);
  std::vector<std::string> lines;
  for (const settings::Problem& problem : problems.all()) lines.push_back(problem.line());
  EXPECT_THAT(lines, testing::UnorderedElementsAre(HasSubstr("control.group: there is no group"),
                                                   HasSubstr("tenants[0].user: there is no user"),
                                                   HasSubstr("tenants[1].group: there is no group"),
                                                   HasSubstr("tenants[2].user: workers never run as root")));
}

}  // namespace
}  // namespace sluice::supervisor
