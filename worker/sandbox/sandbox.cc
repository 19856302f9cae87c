// See sandbox.h. The order matters: the root needs capabilities, capabilities need the bounding set to go first,
// Landlock needs no_new_privs and forbids mounting, seccomp forbids everything that the others do.
#include "worker/sandbox/sandbox.h"

#include <utility>

#include "worker/sandbox/layers.h"

namespace sluice::worker {
namespace {
Protection switched_off(const char* name) {
  return {.name = name, .on = false, .why = "switched off by the configuration"};
}
}  // namespace

Result<std::vector<Protection>> enter_sandbox(const SandboxOptions& options) {
  std::vector<Protection> report;

  auto limits = set_limits(options.descriptors);
  if (!limits) return fail(std::move(limits).error().during("setting resource limits"));
  report.push_back(*std::move(limits));

  report.push_back(options.namespaces == Layer::kOn ? empty_root() : switched_off("empty root"));

  auto capabilities = drop_capabilities();
  if (!capabilities) return fail(std::move(capabilities).error().during("dropping capabilities"));
  report.push_back(*std::move(capabilities));

  auto privileges = no_new_privileges();
  if (!privileges) return fail(std::move(privileges).error().during("setting no_new_privs"));
  report.push_back(*std::move(privileges));

  report.push_back(options.landlock == Layer::kOn ? enter_landlock(options.sources) : switched_off("landlock"));

  auto filter = enter_seccomp(options.seccomp, options.sources);
  if (!filter) return fail(std::move(filter).error().during("loading the seccomp filter"));
  report.push_back(*std::move(filter));
  return report;
}

}  // namespace sluice::worker
