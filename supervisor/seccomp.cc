// See seccomp.h.
#include "supervisor/seccomp.h"

#include <fmt/format.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "base/sanitizer.h"
#include "base/sha256.h"

namespace sluice::supervisor {
namespace {

using seccomp::Condition;
using seccomp::Row;

constexpr std::uint64_t kInt = 0xffffffff;

constexpr std::string_view kOthers = "looking into other processes";
constexpr std::string_view kKernel = "changing the kernel or the machine";
constexpr std::string_view kSurface = "parts of the kernel with a history of holes, which nothing here uses";
constexpr std::string_view kClock = "setting the clock";
constexpr std::string_view kAround = "ways around paths and namespaces";

constexpr Row kRefused[] = {
    {SCMP_SYS(process_vm_readv), kOthers},
    {SCMP_SYS(process_vm_writev), kOthers},
    {SCMP_SYS(process_madvise), kOthers},
    {SCMP_SYS(kcmp), kOthers},
    {SCMP_SYS(init_module), kKernel},
    {SCMP_SYS(finit_module), kKernel},
    {SCMP_SYS(delete_module), kKernel},
    {SCMP_SYS(kexec_load), kKernel},
    {SCMP_SYS(kexec_file_load), kKernel},
    {SCMP_SYS(reboot), kKernel},
    {SCMP_SYS(swapon), kKernel},
    {SCMP_SYS(swapoff), kKernel},
    {SCMP_SYS(acct), kKernel},
    {SCMP_SYS(quotactl), kKernel},
    {SCMP_SYS(syslog), kKernel},
    {SCMP_SYS(iopl), kKernel},
    {SCMP_SYS(ioperm), kKernel},
    {SCMP_SYS(sethostname), kKernel},
    {SCMP_SYS(setdomainname), kKernel},
    {SCMP_SYS(vhangup), kKernel},
    {SCMP_SYS(settimeofday), kClock},
    {SCMP_SYS(clock_settime), kClock},
    {SCMP_SYS(clock_adjtime), kClock},
    {SCMP_SYS(adjtimex), kClock},
    {SCMP_SYS(perf_event_open), kSurface},
    {SCMP_SYS(userfaultfd), kSurface},
    {SCMP_SYS(io_uring_setup), kSurface},
    {SCMP_SYS(io_uring_enter), kSurface},
    {SCMP_SYS(io_uring_register), kSurface},
    {SCMP_SYS(add_key), kSurface},
    {SCMP_SYS(request_key), kSurface},
    {SCMP_SYS(keyctl), kSurface},
    {SCMP_SYS(modify_ldt), kSurface},
    {SCMP_SYS(vmsplice), kSurface},
    {SCMP_SYS(remap_file_pages), kSurface},
    {SCMP_SYS(move_pages), kSurface},
    {SCMP_SYS(migrate_pages), kSurface},
    {SCMP_SYS(fanotify_init), kSurface},
    {SCMP_SYS(lookup_dcookie), kSurface},
    {SCMP_SYS(nfsservctl), kSurface},
    {SCMP_SYS(uselib), kSurface},
    {SCMP_SYS(ustat), kSurface},
    {SCMP_SYS(sysfs), kSurface},
    {SCMP_SYS(_sysctl), kSurface},
    {SCMP_SYS(fsopen), "the new mount calls; a worker's empty root needs only the old ones"},
    {SCMP_SYS(fsconfig), "the new mount calls"},
    {SCMP_SYS(fsmount), "the new mount calls"},
    {SCMP_SYS(fspick), "the new mount calls"},
    {SCMP_SYS(open_tree), "the new mount calls"},
    {SCMP_SYS(move_mount), "the new mount calls"},
    {SCMP_SYS(open_by_handle_at), kAround},
    {SCMP_SYS(name_to_handle_at), kAround},
    {SCMP_SYS(setns), kAround},
    {SCMP_SYS(chroot), kAround},
    {SCMP_SYS(mknod), kAround},
    {SCMP_SYS(mknodat), kAround},
};

// Needed once: what the workers of a dead supervisor hold of ours (estate.h).
constexpr Row kRefusedLater[] = {{SCMP_SYS(pidfd_getfd), kOthers}};

// LeakSanitizer stops its own process with ptrace to look at it; AddressSanitizer switches address randomisation off.
constexpr Row kNotForSanitizers[] = {
    {SCMP_SYS(ptrace), kOthers},
    {SCMP_SYS(personality), kAround},
};

constexpr Condition kTypeIntoTerminal[] = {{1, kInt, TIOCSTI}};
constexpr Condition kPasteIntoTerminal[] = {{1, kInt, TIOCLINUX}};
constexpr Condition kSetUserId[] = {{1, S_ISUID, S_ISUID}};
constexpr Condition kSetGroupId[] = {{1, S_ISGID, S_ISGID}};
constexpr Condition kSetUserIdAt[] = {{2, S_ISUID, S_ISUID}};
constexpr Condition kSetGroupIdAt[] = {{2, S_ISGID, S_ISGID}};
constexpr Row kRefusedSometimes[] = {
    {SCMP_SYS(ioctl), "typing into the operator's terminal", kTypeIntoTerminal},
    {SCMP_SYS(ioctl), "typing into the operator's terminal", kPasteIntoTerminal},
    {SCMP_SYS(chmod), "set-user-id files", kSetUserId},
    {SCMP_SYS(chmod), "set-group-id files", kSetGroupId},
    {SCMP_SYS(fchmod), "set-user-id files", kSetUserId},
    {SCMP_SYS(fchmod), "set-group-id files", kSetGroupId},
    {SCMP_SYS(fchmodat), "set-user-id files", kSetUserIdAt},
    {SCMP_SYS(fchmodat), "set-group-id files", kSetGroupIdAt},
};

// Sockets other than UNIX (1), IPv4 (2) and IPv6 (10): families 3–9 and 11–15 one by one, 16–63 by their high bits; the
// kernel knows none above.
constexpr std::uint64_t kOtherFamilies[][2] = {
    {kInt, 3},  {kInt, 4},  {kInt, 5},  {kInt, 6},  {kInt, 7},  {kInt, 8},    {kInt, 9},
    {kInt, 11}, {kInt, 12}, {kInt, 13}, {kInt, 14}, {kInt, 15}, {0x10, 0x10}, {0x20, 0x20},
};

// Of bpf(2) there remain: making maps (0), reading and writing them (1–4), loading programs (5), for the steering of
// datagrams. Commands above 7 are refused by their high bits.
constexpr std::uint64_t kOtherBpfCommands[][2] = {
    {kInt, 6}, {kInt, 7}, {0x8, 0x8}, {0x10, 0x10}, {0x20, 0x20}, {kInt & ~0x3fULL, 0x40},
};

struct Refusals {
  std::vector<Condition> families;
  std::vector<Condition> commands;
  std::vector<Row> rows;

  Refusals() {
    families.reserve(std::size(kOtherFamilies));  // the rows point into it
    commands.reserve(std::size(kOtherBpfCommands));
    rows.assign(std::begin(kRefused), std::end(kRefused));
    rows.insert(rows.end(), std::begin(kRefusedSometimes), std::end(kRefusedSometimes));
    if (!kSanitized) rows.insert(rows.end(), std::begin(kNotForSanitizers), std::end(kNotForSanitizers));
    for (const auto& [mask, wanted] : kOtherFamilies) {
      const Condition& family = families.emplace_back(Condition{.argument = 0, .mask = mask, .wanted = wanted});
      rows.push_back({SCMP_SYS(socket), "other protocols than UNIX, IPv4 and IPv6", std::span(&family, 1)});
    }
    for (const auto& [mask, wanted] : kOtherBpfCommands) {
      const Condition& command = commands.emplace_back(Condition{.argument = 0, .mask = mask, .wanted = wanted});
      rows.push_back({SCMP_SYS(bpf), kSurface, std::span(&command, 1)});
    }
  }
};

}  // namespace

std::span<const Row> supervisor_refusals() {
  static const Refusals refusals;
  return refusals.rows;
}

std::string filter_fingerprint() {
  std::string rows;
  for (const Row& row : supervisor_refusals()) {
    rows += fmt::format("{}:", row.call);
    for (const Condition& one : row.when) rows += fmt::format("{},{},{};", one.argument, one.mask, one.wanted);
  }
  std::string out;
  for (const std::uint8_t byte : sha256(rows)) out += fmt::format("{:02x}", byte);
  return out;
}

Result<Protection> enter_seccomp(std::span<const std::string> has) {
  const Protection on{.name = "seccomp", .on = true, .why = "refuses what no part of sluice needs"};
  if (std::ranges::find(has, filter_fingerprint()) != has.end()) return on;
  if (auto loaded = seccomp::forbid(supervisor_refusals(), seccomp::Refusal::kPermission); !loaded)
    return fail(std::move(loaded).error().during("loading the supervisor's seccomp filter"));
  return on;
}

Result<> forbid_reaching_into_others() {
  return seccomp::forbid(kRefusedLater, seccomp::Refusal::kPermission);
}

}  // namespace sluice::supervisor
