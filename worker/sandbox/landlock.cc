// Landlock. The structures and numbers are our own: Debian 12's headers end at ABI 2, the kernel may know more, and an
// older kernel refuses what it does not know. The only rule that is ever added is for source addresses; everything else
// that is handled is denied.
#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "base/fd.h"
#include "worker/sandbox/layers.h"

namespace sluice::worker {
namespace {

// struct landlock_ruleset_attr as of ABI 6; older kernels accept the longer one when the tail is zero.
struct Ruleset {
  std::uint64_t files;
  std::uint64_t network;
  std::uint64_t scoped;
};

struct Rights {
  long abi;  ///< from this ABI on
  Ruleset rights;
  const char* what;
};
constexpr std::array kRights{
    Rights{1, {.files = (1U << 13) - 1, .network = 0, .scoped = 0}, "files"},  // execute … make_sym
    Rights{2, {.files = 1U << 13, .network = 0, .scoped = 0}, nullptr},        // refer
    Rights{3, {.files = 1U << 14, .network = 0, .scoped = 0}, nullptr},        // truncate
    Rights{4, {.files = 0, .network = 1U << 0, .scoped = 0}, "tcp bind"},  // connecting is a proxy's work: not handled
    Rights{5, {.files = 1U << 15, .network = 0, .scoped = 0}, nullptr},    // ioctl on devices
    Rights{6, {.files = 0, .network = 0, .scoped = 3}, "abstract sockets, signals"},
};
constexpr std::uint32_t kAskVersion = 1;
constexpr std::uint64_t kBindTcp = 1;

// struct landlock_net_port_attr. Port 0 allows what the kernel chooses, and nothing that is chosen by number.
struct PortRule {
  std::uint64_t rights = kBindTcp;
  std::uint64_t port = 0;
};
constexpr int kPortRule = 2;

Protection off(const char* step) {
  const int error = errno;
  std::string why = error == ENOSYS ? "this kernel has no Landlock"
                    : error == EOPNOTSUPP
                        ? "Landlock is switched off at boot"
                        : std::string(step) + ": " + std::strerror(error);  // NOLINT(concurrency-mt-unsafe)
  return {.name = "landlock", .on = false, .why = std::move(why)};
}

}  // namespace

Protection enter_landlock(Sources sources) {
  const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, kAskVersion);
  if (abi < 1) return off("asking for the version");
  Ruleset all{};
  std::string denied;
  for (const auto& [from, rights, what] : kRights) {
    if (abi < from) continue;
    all.files |= rights.files;
    all.network |= rights.network;
    all.scoped |= rights.scoped;
    if (what != nullptr) denied += fmt::format("{}{}", denied.empty() ? "" : ", ", what);
  }
  const Fd ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0)));
  if (!ruleset) return off("creating the rule set");
  const PortRule any_port;
  if (sources == Sources::kChosen && (all.network & kBindTcp) != 0 &&
      ::syscall(SYS_landlock_add_rule, ruleset.get(), kPortRule, &any_port, 0) != 0)
    return off("allowing port 0");
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) return off("restricting");
  return {.name = "landlock", .on = true, .why = fmt::format("ABI {}: no {}", abi, denied)};
}

}  // namespace sluice::worker
