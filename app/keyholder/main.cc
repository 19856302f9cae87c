// sluice-keyholder: the one process that has private keys. It starts as a worker does (worker/boot.h), of a tenant of
// its own, gets the open key files and a channel to each worker that may use some of them, closes its door, which is
// narrower than a worker's, and only then reads a key.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "app/keyholder/check.h"
#include "app/keyholder/service.h"
#include "base/frames.h"
#include "base/version.h"
#include "ipc/slab.h"

namespace sluice::keyholder {
namespace {

int give_up(worker::Booted& booted, const Error& error) {
  booted.log.error("start failed", {{"error", error.message()}});
  if (booted.channel.post(ipc::Failed{.why = error.message()}))
    (void)booted.channel.flush_blocking(Deadline(steady_now() + Millis(1000)));
  return EXIT_FAILURE;
}

int serve(worker::Booted& booted) {
  Result<ipc::Slab> slab = ipc::Slab::attach(booted.slab.get());
  if (!slab) return give_up(booted, slab.error());
  Loop loop;
  Result<std::unique_ptr<OsSignals>> signals = OsSignals::open(loop, {SIGTERM});
  if (!signals) return give_up(booted, signals.error());
  Service service(booted, *slab, **signals, loop);
  if (Result<> closed = worker::enter_keyholder_sandbox(booted); !closed) return EXIT_FAILURE;  // has been told
  if (Result<> taken = service.take_first(); !taken) return give_up(booted, taken.error());
  return service.run();
}

int run() {
  Result<std::unique_ptr<worker::Booted>> booted =
      worker::boot({.application = "sluice-keyholder", .version = version()});
  if (!booted) return EXIT_FAILURE;
  const int status = serve(**booted);
  if (const long left = frames::live(); left != 0) {
    (*booted)->log.error("coroutine frames left at exit", {{"frames", left}});
    return EXIT_FAILURE;
  }
  return status;
}

}  // namespace
}  // namespace sluice::keyholder

int main(int argc, char** argv) {
  const std::string_view life = argc == 2 ? argv[1] : "";
  if (life == "--worker") return sluice::keyholder::run();
  if (life == "--check") return sluice::keyholder::check();
  std::fputs("sluice-keyholder is started by sluice: see endpoints' tls in its configuration\n", stderr);
  return EXIT_FAILURE;
}
