// See spawn.h.
#include "supervisor/spawn.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "supervisor/launch.h"
#include "supervisor/namespaces.h"

namespace sluice::supervisor {

Result<Spawned> spawn(const SpawnRequest& request) {
  const Fd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!nothing) return fail_errno(errno, "/dev/null");
  auto spawned = launch({.binary = request.binary,
                         .arguments = request.arguments,
                         .descriptors = {nothing.get(), nothing.get(), request.log, request.channel},
                         .ids = request.ids,
                         .namespaces = request.isolation == Isolation::kPrivate ? worker_namespaces() : 0,
                         .inner_id = 0,  // keeps its rights inside over exec: the empty root is still to be built
                         .cgroup = request.cgroup,
                         .oom_score_adjust = request.oom_score_adjust,
                         .limits = {},
                         .left = Left::kLives});
  if (!spawned) return fail(std::move(spawned).error().during("starting the worker"));
  if (request.isolation == Isolation::kShared) {
    for (Protection& one : all_of(worker_namespaces()).report)
      spawned->protections.push_back(
          {.name = std::move(one.name), .on = false, .why = "switched off by the configuration"});
  }
  return spawned;
}

Result<Fd> open_binary(const std::string& path) {
  Fd file(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!file) return fail(Error::from_errno(errno, "open").during(path));
  struct stat facts{};
  // what execve(2) would say, before it does
  if (::fstat(file.get(), &facts) != 0 || !S_ISREG(facts.st_mode))
    return fail_errno(EACCES, path + " is not a regular file");
  if ((facts.st_mode & 0111) == 0) return fail_errno(EACCES, path + " is not executable");
  return file;
}

}  // namespace sluice::supervisor
