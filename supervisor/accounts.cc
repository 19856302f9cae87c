// See accounts.h. Asked through the C library, so that LDAP and friends work like the files.
#include "supervisor/accounts.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <charconv>

namespace sluice::supervisor {
namespace {

std::optional<std::uint32_t> number(const std::string& text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// A number need not have an account; its group is then the same number.
Result<Ids> find_user(const std::string& user) {
  if (const auto uid = number(user)) {
    const passwd* entry = ::getpwuid(*uid);
    return Ids{.uid = *uid, .gid = entry != nullptr ? entry->pw_gid : *uid};
  }
  const passwd* entry = ::getpwnam(user.c_str());
  if (entry == nullptr) return fail(Code::kBadConfig, fmt::format("there is no user \"{}\" on this machine", user));
  return Ids{.uid = entry->pw_uid, .gid = entry->pw_gid};
}

}  // namespace

Result<gid_t> find_group(const std::string& group) {
  if (const auto gid = number(group)) return gid_t{*gid};
  const struct group* entry = ::getgrnam(group.c_str());
  if (entry == nullptr) return fail(Code::kBadConfig, fmt::format("there is no group \"{}\" on this machine", group));
  return entry->gr_gid;
}

Result<std::optional<Ids>> worker_ids(const ipc::TenantSettings& tenant, PrivateIds& private_ids) {
  if (::geteuid() != 0) return std::optional<Ids>();
  Ids ids = private_ids.of(tenant.name);
  if (!tenant.user.empty()) {
    const Result<Ids> user = find_user(tenant.user);
    if (!user) return fail(user.error());
    ids = *user;
  }
  if (!tenant.group.empty()) {
    const Result<gid_t> group = find_group(tenant.group);
    if (!group) return fail(group.error());
    ids.gid = *group;
  }
  return std::optional<Ids>(ids);
}

void check_accounts(const ipc::Settings& settings, settings::Problems& problems) {
  const auto check_group = [&](const std::string& group, std::string path) {
    if (group.empty()) return;
    if (const Result<gid_t> found = find_group(group); !found) problems.add(std::move(path), found.error().message());
  };
  check_group(settings.control.group, "control.group");
  for (std::size_t i = 0; i < settings.tenants.size(); ++i) {
    const ipc::TenantSettings& tenant = settings.tenants[i];
    if (!tenant.user.empty()) {
      const Result<Ids> user = find_user(tenant.user);
      const std::string path = fmt::format("tenants[{}].user", i);
      if (!user) {
        problems.add(path, user.error().message());
      } else if (user->uid == 0) {
        problems.add(path, "workers never run as root");
      }
    }
    check_group(tenant.group, fmt::format("tenants[{}].group", i));
  }
}

}  // namespace sluice::supervisor
