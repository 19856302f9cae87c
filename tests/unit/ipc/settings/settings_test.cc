// The configuration of Sluice as a whole: it survives its wire form, the example is valid, mistakes are found.
#include "ipc/settings/settings.h"

#include <gtest/gtest.h>

#include "base/settings/document.h"

namespace sluice::ipc {
namespace {

TEST(Settings, TheExampleIsValidAndSurvivesTheWire) {
  const Settings example = Settings::example();
  settings::Problems problems;
  example.validate(problems);
  EXPECT_TRUE(problems.empty()) << problems.text();
  const Result<Settings> back = settings_from_json(to_json(example));
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(differences(example, *back), std::vector<std::string>());
  EXPECT_EQ(back->tenants.at(0).endpoints.at(1).mode, Mode::kForward);
  const Result<TenantSettings> tenant = tenant_from_json(to_json(example.tenants[0]));
  ASSERT_TRUE(tenant) << tenant.error().message();
  EXPECT_EQ(to_json(*tenant), to_json(example.tenants[0]));
}

}  // namespace
}  // namespace sluice::ipc
