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

TEST(Settings, ThePrintedConfigurationIsTheExample) {
  const std::expected<Settings, settings::Problems> printed = load_settings(default_config(), "default.yaml");
  ASSERT_TRUE(printed) << printed.error().text();
  EXPECT_EQ(differences(*printed, Settings::example()), std::vector<std::string>());
}

TEST(Settings, ThePrintedConfigurationHoldsEveryOption) {
  const settings::Document printed = settings::parse_yaml(default_config(), "default.yaml");
  const Result<settings::Node> all = settings::parse_json(to_json(Settings::example()));
  ASSERT_TRUE(all);
  // everything of the first element of each list must be written out, not only what is not the default
  const auto expect_all = [](const auto& self, const settings::Node& wanted, const settings::Node* written,
                             const std::string& path) -> void {
    ASSERT_NE(written, nullptr) << path;
    for (const settings::Entry& entry : wanted.entries)
      self(self, entry.value, written->find(entry.key), path + "." + entry.key);
    if (!wanted.items.empty()) self(self, wanted.items[0], &written->items.at(0), path + "[0]");
  };
  expect_all(expect_all, *all, &printed.root, "");
}

TEST(Settings, ThePrintedConfigurationTakesTheApplicationsTexts) {
  const std::string text =
      default_config({.tenant = "# For the tenant.\nflavour: sweet\n", .endpoint = "door: open\n"});
  EXPECT_NE(text.find("    settings:\n      # For the tenant.\n      flavour: sweet\n"), std::string::npos);
  const std::expected<Settings, settings::Problems> printed = load_settings(text, "default.yaml");
  ASSERT_TRUE(printed) << printed.error().text();
  EXPECT_EQ(printed->tenants[0].settings.find("flavour")->text, "sweet");
  EXPECT_EQ(printed->tenants[0].endpoints[0].settings.find("door")->text, "open");
}

TEST(Settings, EveryDefaultIsWithinItsOwnRules) {
  // what was left out of a tenant must be as if it had been written
  Settings settings = Settings::example();
  const Result<TenantSettings> there = tenant_from_json(to_json(settings.tenants[0]));
  ASSERT_TRUE(there) << there.error().message();
}

TEST(Settings, AllProblemsAreSaidAtOnce) {
  const auto settings = load_settings(
      "log: {level: inf}\n"
      "tenants:\n"
      "  - name: a\n"
      "    endpoint: []\n"
      "    endpoints:\n"
      "      - {name: e, listen: [\"localhost:80\"], routes: [{upstream: x}]}\n"
      "      - {name: e, listen: [\"127.0.0.1:9464\"], mode: forward, http: {head_limit: 10MiB}}\n",
      "sluice.yaml");
  ASSERT_FALSE(settings);
  EXPECT_EQ(
      settings.error().text(),
      "sluice.yaml:1:14: log.level: inf is not one of error, warn, info, debug; did you mean \"info\"?\n"
      "sluice.yaml:4:5: tenants[0].endpoint: unknown key; did you mean \"endpoints\"?\n"
      "sluice.yaml:6:28: tenants[0].endpoints[0].listen[0]: \"localhost:80\" does not begin with an IP address\n"
      "sluice.yaml:6:65: tenants[0].endpoints[0].routes[0].upstream: the tenant has no upstream \"x\"\n"
      "sluice.yaml:7:16: tenants[0].endpoints[1].name: \"e\" is already used at tenants[0].endpoints[0].name\n"
      "sluice.yaml:7:28: tenants[0].endpoints[1].listen[0]: \"127.0.0.1:9464\" is already used at admin.listen[0]\n"
      "sluice.yaml:7:81: tenants[0].endpoints[1].http.head_limit: 10MiB is not between 1KiB and 1MiB\n");
}

TEST(Settings, TheSchemaIsJsonAndKnowsTheApplicationsSection) {
  const Result<settings::Node> schema =
      settings::parse_json(config_schema({.tenant = R"({"type": "object", "title": "mine"})"}));
  ASSERT_TRUE(schema) << schema.error().message();
  const settings::Node& tenant = *schema->find("properties")->find("tenants")->find("items")->find("properties");
  EXPECT_EQ(settings::to_json(*tenant.find("settings")->find("type")), "\"object\"");
  EXPECT_EQ(settings::to_json(*tenant.find("workers")->find("minimum")), "0");
}

}  // namespace
}  // namespace sluice::ipc
