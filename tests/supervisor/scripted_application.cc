// An application for testing the supervisor: a worker that boots and sandboxes itself like every other, and then does
// what `settings: {script: …}` of its tenant says. It serves nothing: whoever connects waits in the queue.
#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <string>

#include "base/settings/document.h"
#include "ipc/application.h"
#include "ipc/connection_table.h"
#include "ipc/slab.h"
#include "worker/boot.h"

namespace sluice {
namespace {

int describe() {
  std::cout << ipc::encode(ipc::ApplicationDescription{.name = "scripted",
                                                       .version = "1",
                                                       .description = "Does what it is told.",
                                                       .tenant = {.yaml = "script: \"\"\n", .schema = "{}"},
                                                       .endpoint = {}});
  return 0;
}

// One rule: a script is known or it is a problem.
int check() {
  const std::string input((std::istreambuf_iterator<char>(std::cin)), std::istreambuf_iterator<char>());
  const Result<std::vector<ipc::SectionToCheck>> sections = ipc::decode_sections(input);
  if (!sections) return 1;
  settings::Problems problems;
  for (const ipc::SectionToCheck& section : *sections) {
    const settings::Node* script = section.document.root.find("script");
    if (script != nullptr && script->text == "unknown")
      problems.add(section.document.file, script->mark, section.document.path + ".script", "there is no such script");
  }
  std::cout << ipc::encode(problems);
  return 0;
}

std::string script_of(const worker::Booted& booted) {
  const settings::Node* script = booted.settings.settings.find("script");
  return script != nullptr ? script->text : std::string();
}

int work() {
  const Result<std::unique_ptr<worker::Booted>> booted = worker::boot({.application = "scripted", .version = "1"});
  if (!booted) return 1;
  worker::Booted& me = **booted;
  Result<ipc::Slab> slab = ipc::Slab::attach(me.slab.get());
  if (!slab) return 1;
  ipc::ConnectionTable connections(*slab);
  if (!worker::enter_sandbox(me)) return 1;
  const std::string script = script_of(me);
  if (script == "never ready") (void)me.channel.receive_blocking(Deadline::never());
  if (script == "ends at once") return 0;
  if (script == "cannot start") {
    (void)me.channel.post(ipc::Failed{.why = "the moon is in the wrong place"});
    return 1;
  }
  if (script == "abort at start") {
    std::fputs("something terrible: 42\n", stderr);
    std::abort();
  }
  const ipc::ConnectionSlot connection =
      connections.add(SocketAddress(IpAddress(std::array<std::uint8_t, 4>{192, 0, 2, 7}), 4711), 0, 0);
  (void)me.channel.post(ipc::Ready{});
  if (script == "says nonsense") (void)!::write(worker::kChannelDescriptor, "nonsense", 8);
  for (;;) {
    Result<ipc::WorkerEnd::Received> received = me.channel.receive_blocking(Deadline::never());
    if (!received) return 1;
    if (script == "dies when it accepts" && std::holds_alternative<ipc::Accept>(received->message)) std::abort();
    if (std::holds_alternative<ipc::Stop>(received->message)) return 0;
    if (std::holds_alternative<ipc::Drain>(received->message) && script != "hangs at the end") {
      (void)me.channel.post(ipc::Drained{});
      return 0;
    }
    if (const auto* level = std::get_if<ipc::SetLogLevel>(&received->message)) {
      me.log.set_level(level->level);
      me.log.debug("level heard");
    }
  }
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  const std::string option = argc > 1 ? argv[1] : "";
  if (option == "--describe") return sluice::describe();
  if (option == "--check") return sluice::check();
  if (option == "--worker") return sluice::work();
  return 2;
}
