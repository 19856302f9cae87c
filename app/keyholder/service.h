// The keyholder at work: signs what workers ask for, each with the keys of its own tenant, until it is told to leave
// and nobody needs it any more. One loop, no threads; who asks for much waits behind who asks for little, because after
// each packet of one the others have their turn.
#pragma once
#include <array>
#include <cstddef>
#include <string>

#include "app/keyholder/key_store.h"
#include "base/loop.h"
#include "base/os_signals.h"
#include "base/scope.h"
#include "ipc/metrics.h"
#include "worker/boot.h"

namespace sluice::keyholder {

class Service {
 public:
  Service(worker::Booted& booted, ipc::Slab& slab, OsSignals& signals, Loop& loop);
  Service(Service&&) = delete;

  /// What came with the start. Errors: a key that cannot be used.
  [[nodiscard]] Result<> take_first();
  /// Says Ready; returns the exit status.
  [[nodiscard]] int run();

 private:
  [[nodiscard]] Result<> take(const ipc::Keys& message, const std::vector<Fd>& fds);
  void begin(std::string tenant, Fd channel);
  Task<> obey();
  Task<> watch_signals();
  Task<> serve(std::string tenant, Fd channel);
  Task<Error> answer(const std::string& tenant, ipc::Channel& channel);
  void prepared(std::uint64_t number);
  /// As soon as no worker is connected.
  void leave_when_free();
  void leave(int status);

  worker::Booted& booted_;
  OsSignals& signals_;
  Loop& loop_;
  KeyStore keys_;
  std::string key_fault_;  // since the last question
  ipc::MetricsWriter writer_;
  ipc::Gauge held_;
  std::array<ipc::Counter, 3> signings_;  // by ipc::Signing
  std::size_t users_ = 0;
  bool leaving_ = false;
  int status_ = 0;
  Scope background_;
};

}  // namespace sluice::keyholder
