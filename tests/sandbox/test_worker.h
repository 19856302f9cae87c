// A worker process started as the supervisor starts it, for tests: spawn, hand over settings and a slab, read what it
// says.
#pragma once
#include <string>
#include <vector>

#include "ipc/peer.h"
#include "ipc/settings/settings.h"
#include "supervisor/spawn.h"

namespace sluice::test {

class TestWorker {
 public:
  /// Spawns `binary` and sends Configure, a listener on a free loopback port, and Begin.
  TestWorker(const char* binary, const ipc::TenantSettings& settings);
  ~TestWorker();
  TestWorker(const TestWorker&) = delete;
  TestWorker& operator=(const TestWorker&) = delete;

  /// Takes messages until Ready, Failed or the end; true when it came to Ready.
  bool until_ready();
  /// Sends Stop, waits for the end; the status as waitpid(2) gives it.
  int stop();
  /// Waits for the end without asking for it.
  int wait();
  /// All of its log; after the end.
  std::string log();
  /// The result a probe logged: "allowed", "ENOENT", … or empty.
  std::string result_of(std::string_view probe);

  [[nodiscard]] const std::vector<Protection>& protections() const { return protections_; }
  /// The one of this name; fails the test when there is none.
  [[nodiscard]] Protection protection(std::string_view name) const;
  [[nodiscard]] pid_t pid() const { return spawned_.pid; }
  [[nodiscard]] ipc::SupervisorEnd& channel() { return *channel_; }

 private:
  Fd log_pipe_;
  std::string log_;
  std::unique_ptr<ipc::SupervisorEnd> channel_;
  supervisor::Spawned spawned_{};
  std::vector<Protection> protections_;
  bool reaped_ = false;
};

}  // namespace sluice::test
