// No namespaces within ours: inside a fresh user namespace a process has every capability again, and with them the
// parts of the kernel that most privilege escalations of the last years came from. The limits in /proc/sys/user are per
// user namespace, and lowering them cannot be undone without the capabilities that go next. seccomp forbids the same
// once more.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/fd.h"
#include "worker/sandbox/layers.h"

namespace sluice::worker {
namespace {

// Ours alone has a map of one single id. Elsewhere these files would be the limits of the whole machine.
bool in_own_user_namespace() {
  FILE* map = std::fopen("/proc/self/uid_map", "re");
  if (map == nullptr) return false;
  unsigned long inside = 0;
  unsigned long outside = 0;
  unsigned long count = 0;
  const bool read =
      std::fscanf(map, "%lu %lu %lu", &inside, &outside, &count) == 3;  // NOLINT(cert-err34-c): the kernel's
  (void)std::fclose(map);
  return read && count == 1;
}

}  // namespace

Protection forbid_nested_namespaces() {
  const auto off = [](std::string why) {
    return Protection{.name = "no nested namespaces", .on = false, .why = std::move(why)};
  };
  if (!in_own_user_namespace()) return off("needs a user namespace of its own");
  for (const char* kind : {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time"}) {
    const std::string path = std::string("/proc/sys/user/max_") + kind + "_namespaces";
    const Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file || ::write(file.get(), "0", 1) != 1)
      return off(path + ": " + std::strerror(errno));  // NOLINT(concurrency-mt-unsafe): one thread
  }
  return {.name = "no nested namespaces", .on = true, .why = {}};
}

}  // namespace sluice::worker
