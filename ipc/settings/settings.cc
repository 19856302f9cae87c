// The one place that pays for the templates of base/settings for Sluice's own configuration.
#include "ipc/settings/settings.h"

#include "base/settings/settings.h"

namespace sluice::ipc {
namespace {
constexpr const char* kHeading =
    "Configuration of Sluice: every option with its documentation, what is allowed and its default.\n"
    "Leave out what should be the default. `sluice --check` reads a file and says all that is wrong with it.\n"
    "Durations: 250ms, 30s, 2m, 1h, 7d. Sizes: 512B, 64KiB, 1MiB, 10GiB. JSON is allowed too.";
}

Settings Settings::example() {
  EndpointSettings web;
  web.name = "web";
  web.listen = {"127.0.0.1:8080"};
  web.routes.push_back({.hosts = {}, .path = "/", .upstream = "origin"});
  EndpointSettings forward;
  forward.name = "forward";
  forward.listen = {"127.0.0.1:3128"};
  forward.mode = Mode::kForward;
  UpstreamSettings origin;
  origin.name = "origin";
  origin.servers = {"127.0.0.1:8000"};
  TenantSettings tenant;
  tenant.endpoints = {std::move(web), std::move(forward)};
  tenant.upstreams = {std::move(origin)};
  Settings settings;
  settings.tenants = {std::move(tenant)};
  return settings;
}

std::expected<Settings, settings::Problems> read_settings(const settings::Document& document) {
  return settings::read<Settings>(document);
}

std::expected<Settings, settings::Problems> load_settings(std::string_view text, std::string file) {
  return read_settings(settings::parse_yaml(text, std::move(file)));
}

std::string to_json(const Settings& settings) {
  return settings::to_json(settings);
}
std::string to_json(const TenantSettings& tenant) {
  return settings::to_json(tenant);
}
Result<Settings> settings_from_json(std::string_view text) {
  return settings::from_json<Settings>(text);
}
Result<TenantSettings> tenant_from_json(std::string_view text) {
  return settings::from_json<TenantSettings>(text);
}
std::string shown(const Settings& settings) {
  return settings::shown(settings);
}

std::string default_config(const ApplicationTexts& yaml) {
  return settings::to_yaml(Settings::example(), {.heading = kHeading,
                                                 .depth = 0,
                                                 .opaque = {{"tenants.settings", yaml.tenant},
                                                            {"tenants.endpoints.settings", yaml.endpoint}}});
}

std::string config_schema(const ApplicationTexts& schemas) {
  return settings::schema<Settings>(
      {.title = "Sluice configuration",
       .opaque = {{"tenants.settings", schemas.tenant}, {"tenants.endpoints.settings", schemas.endpoint}}});
}

bool same(const UpstreamSettings& one, const UpstreamSettings& other) {
  return settings::same(settings::type_of<UpstreamSettings>(), &one, &other);
}

std::vector<settings::Change> changes(const Settings& before, const Settings& after) {
  return settings::changes(before, after);
}

std::vector<std::string> said_in(const EndpointSettings& endpoint) {
  return settings::differences(EndpointSettings{}, endpoint);
}

std::vector<std::string> differences(const Settings& before, const Settings& after) {
  return settings::differences(before, after);
}

}  // namespace sluice::ipc
