// A real worker (boot, sandbox, Ready) that then does what its setting `probe` names, says how it went in its log, and
// waits for Stop. It stands for an application whose process an attacker has taken over.
#include <cstdlib>
#include <cstring>

#include "probes.h"
#include "worker/boot.h"

namespace sluice {
namespace {

void attempt(Log& log, const probe::Probe& probe) {
  const int error = probe.attempt();
  log.info("probe", {{"name", probe.name}, {"result", error == 0 ? "allowed" : ::strerrorname_np(error)}});
}

void run(Log& log, std::string_view wanted) {
  if (wanted == "abort") std::abort();
  for (const probe::Probe& one : probe::needed())
    if (wanted == "needed" || wanted == one.name) attempt(log, one);
  for (const probe::Probe& one : probe::forbidden())
    if (wanted == one.name) attempt(log, one);
}

}  // namespace
}  // namespace sluice

int main() {
  using namespace sluice;
  auto booted = worker::boot({.application = "probe", .version = "1"});
  if (!booted) return 1;
  worker::Booted& worker = **booted;
  if (auto closed = worker::enter_sandbox(worker); !closed) return 1;
  if (const auto* node = worker.settings.settings.find("probe"); node != nullptr) run(worker.log, node->text);
  if (!worker.channel.post(ipc::Ready{})) return 1;
  for (;;) {
    auto received = worker.channel.receive_blocking(Deadline::never());
    if (!received) return 1;
    if (std::holds_alternative<ipc::Stop>(received->message)) return 0;
  }
}
