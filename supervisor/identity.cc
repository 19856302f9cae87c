// See identity.h; PrivateIds of spawn.h lives here too.
#include "supervisor/identity.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <fstream>

#include "base/check.h"

namespace sluice::supervisor {
namespace {

constexpr std::uint32_t kFirstPrivateId = 1'900'000'000;
constexpr std::uint32_t kPrivateIds = 65'536;

bool may_change_ids() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, 2> data{};
  if (::syscall(SYS_capget, &header, data.data()) != 0) return false;
  constexpr std::uint32_t kNeeded = (1U << CAP_SETUID) | (1U << CAP_SETGID);
  return (data[0].effective & kNeeded) == kNeeded;
}

// In a container the supervisor may itself live in a user namespace that knows only some ids.
bool mapped_here(const char* map, std::uint32_t id) {
  FILE* file = std::fopen(map, "re");
  if (file == nullptr) return true;  // no user namespaces, so nothing is unmapped
  unsigned long inside = 0;
  unsigned long outside = 0;
  unsigned long count = 0;
  bool found = false;
  while (!found &&
         std::fscanf(file, "%lu %lu %lu", &inside, &outside, &count) == 3)  // NOLINT(cert-err34-c): the kernel's
    found = id >= inside && id - inside < count;
  (void)std::fclose(file);
  return found;
}

// A user namespace made by an ordinary user (a rootless container) has setgroups(2) switched off for good.
bool may_drop_groups() {
  std::ifstream file("/proc/self/setgroups");
  std::string state;
  return !(file >> state) || state == "allow";
}

Result<> write_file(const std::string& path, const std::string& text) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) return fail_errno(errno, path);
  if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return fail_errno(errno, path);
  return {};
}

}  // namespace

Identity choose_identity(const std::optional<Ids>& wanted) {
  const Ids own{.uid = ::geteuid(), .gid = ::getegid()};
  const bool able = may_change_ids();
  Identity identity{.host = own,
                    .groups = able && may_drop_groups() ? Groups::kDrop : Groups::kKeep,
                    .report = {.name = "own uid", .on = false, .why = {}}};
  if (!able) {
    identity.report.why = fmt::format("the supervisor runs as user {} and cannot take another id", own.uid);
  } else if (!wanted) {
    identity.report.why = "no id was chosen";
  } else if (!mapped_here("/proc/self/uid_map", wanted->uid) || !mapped_here("/proc/self/gid_map", wanted->gid)) {
    identity.report.why = fmt::format("id {}:{} does not exist in this container", wanted->uid, wanted->gid);
  } else {
    identity.host = *wanted;
    identity.report = {.name = "own uid", .on = true, .why = fmt::format("{}:{}", wanted->uid, wanted->gid)};
  }
  return identity;
}

Result<> write_id_maps(pid_t pid, const Identity& identity, std::uint32_t inner) {
  const std::string folder = fmt::format("/proc/{}/", pid);
  if (identity.groups == Groups::kKeep) {
    // without CAP_SETGID the kernel wants setgroups(2) switched off first
    if (auto denied = write_file(folder + "setgroups", "deny"); !denied) return denied;
  }
  if (auto group = write_file(folder + "gid_map", fmt::format("{} {} 1", inner, identity.host.gid)); !group)
    return group;
  return write_file(folder + "uid_map", fmt::format("{} {} 1", inner, identity.host.uid));
}

Ids PrivateIds::of(std::string_view tenant) {
  for (const auto& [name, id] : given_)
    if (name == tenant) return {.uid = id, .gid = id};
  SLUICE_CHECK(given_.size() < kPrivateIds, "more tenants than private ids");
  std::uint32_t hash = 2'166'136'261;  // FNV-1a
  for (const char byte : tenant) hash = (hash ^ static_cast<std::uint8_t>(byte)) * 16'777'619;
  std::uint32_t offset = (hash ^ (hash >> 16)) % kPrivateIds;
  const auto taken = [&](std::uint32_t id) {
    return std::ranges::any_of(given_, [id](const auto& one) { return one.second == id; });
  };
  while (taken(kFirstPrivateId + offset)) offset = (offset + 1) % kPrivateIds;
  given_.emplace_back(tenant, kFirstPrivateId + offset);
  return {.uid = kFirstPrivateId + offset, .gid = kFirstPrivateId + offset};
}

}  // namespace sluice::supervisor
