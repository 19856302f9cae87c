// Capabilities and no_new_privs. The bounding and ambient sets go first, because emptying them needs CAP_SETPCAP.
#include <fmt/format.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "worker/sandbox/layers.h"

namespace sluice::worker {
namespace {

// How many stay in the bounding set: without CAP_SETPCAP it cannot be emptied, and then no_new_privs makes it
// meaningless.
int empty_bounding_set() {
  int left = 0;
  for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    if (::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 0) continue;
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) ++left;
  }
  return left;
}

}  // namespace

Result<Protection> drop_capabilities() {
  const int left = empty_bounding_set();
  (void)::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  // uid 0 means nothing any more, for good; needs CAP_SETPCAP as well
  (void)::prctl(PR_SET_SECUREBITS,
                SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED |
                    SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED,
                0, 0, 0);
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, 2> sets{};
  if (::syscall(SYS_capset, &header, sets.data()) != 0) return fail_errno(errno, "capset");
  if (::syscall(SYS_capget, &header, sets.data()) != 0) return fail_errno(errno, "capget");
  for (const auto& set : sets)
    if ((set.effective | set.permitted | set.inheritable) != 0)
      return fail(Code::kInternal, "capabilities are still there");
  return Protection{.name = "no capabilities",
                    .on = true,
                    .why = left == 0 ? std::string()
                                     : fmt::format("{} stay in the bounding set, out of reach by no_new_privs", left)};
}

Result<Protection> no_new_privileges() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_errno(errno, "prctl");
  // Not dumpable: other processes of this uid (an ordinary user's other workers) may not attach or read our memory.
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return fail_errno(errno, "prctl");
  return Protection{.name = "no new privileges", .on = true, .why = {}};
}

}  // namespace sluice::worker
