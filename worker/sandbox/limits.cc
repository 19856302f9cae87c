// Resource limits. Soft and hard alike, so that they cannot be raised again.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>

#include "worker/sandbox/layers.h"

namespace sluice::worker {
namespace {
struct Limit {
  __rlimit_resource resource;
  rlim_t value;
  const char* name;
};
constexpr Limit kNothing[] = {
    {RLIMIT_CORE, 0, "core"},    // a dump would hold every client's secrets
#ifndef SLUICE_PROFILING         // such a build leaves a record of where it went when it ends
    {RLIMIT_FSIZE, 0, "fsize"},  // pipes and sockets do not count
#endif
    {RLIMIT_NPROC, 0, "nproc"},        // neither processes nor threads
    {RLIMIT_MEMLOCK, 0, "memlock"},    //
    {RLIMIT_MSGQUEUE, 0, "msgqueue"},  //
    {RLIMIT_NICE, 0, "nice"},          //
    {RLIMIT_RTPRIO, 0, "rtprio"},      //
};

Result<> set(__rlimit_resource resource, rlim_t value, const char* name) {
  const rlimit limit{.rlim_cur = value, .rlim_max = value};
  if (::setrlimit(resource, &limit) != 0) return fail_errno(errno, std::string("setrlimit ") + name);
  return {};
}
}  // namespace

Result<Protection> set_limits(std::uint64_t descriptors) {
  rlimit now{};
  if (::getrlimit(RLIMIT_NOFILE, &now) != 0) return fail_errno(errno, "getrlimit nofile");
  const rlim_t files = std::min<rlim_t>(descriptors, now.rlim_max);
  if (auto done = set(RLIMIT_NOFILE, files, "nofile"); !done) return fail(std::move(done).error());
  for (const Limit& limit : kNothing)
    if (auto done = set(limit.resource, limit.value, limit.name); !done) return fail(std::move(done).error());
  std::string detail = fmt::format("{} descriptors", files);
  if (files < descriptors) detail += fmt::format(" (the hard limit; {} are configured)", descriptors);
  return Protection{.name = "resource limits", .on = true, .why = std::move(detail)};
}

}  // namespace sluice::worker
