// Starting a process in as many private namespaces as the kernel and our rights allow: one clone3, ids mapped from the
// outside, three descriptors handed over, execveat of a binary that was opened when the supervisor started (so that a
// package upgrade under a running service never mixes versions). Between clone3 and exec the child makes raw system
// calls on memory prepared before, nothing else: no allocation, no lock, no library state.
//
// What is not to be had (no root, a container without user namespaces, no delegated cgroup) is left out and reported as
// a Protection that is off, with its reason; spawn() fails only when there is no process to show for it.
#pragma once
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/protection.h"
#include "base/result.h"
#include "supervisor/cgroups.h"

namespace sluice::supervisor {

/// Ids on the host. A worker sees itself as 0 inside its user namespace and has no right that this could stand for
/// outside.
struct Ids {
  uid_t uid;
  gid_t gid;
};

enum class Isolation : std::uint8_t {
  kPrivate,  ///< as many namespaces as there are
  kShared,   ///< none: `sandbox: {namespaces: false}`
};

struct SpawnRequest {
  int binary;                          ///< the application, opened with open_binary(); borrowed
  std::vector<std::string> arguments;  ///< argv, with argv[0]
  int channel;                         ///< becomes descriptor 3; borrowed
  int log;                             ///< becomes descriptor 2; borrowed
  std::optional<Ids> ids;              ///< who it is on the host; ignored (and said so) when we are not root
  Cgroup* cgroup = nullptr;            ///< where the worker is put; null when the configuration asks for none
  Isolation isolation = Isolation::kPrivate;
  int oom_score_adjust = 0;  ///< added to our own; the kernel takes workers before the supervisor
};

struct Spawned {
  pid_t pid;
  Fd pidfd;                             ///< readable when it has ended; waitid(P_PIDFD) gives the reason
  std::vector<Protection> protections;  ///< the part that is the spawner's to know: namespaces, ids, cgroup
};

/// Blocks until the new program runs (exec succeeded) or the reason why it does not is known.
/// Errors: kSystem with the step and errno ("starting the worker: execveat: permission denied").
[[nodiscard]] Result<Spawned> spawn(const SpawnRequest& request);

/// Opens a program for spawn() and run_sandboxed(): regular, executable. Errors: kSystem with a sentence, EACCES where
/// it is not.
[[nodiscard]] Result<Fd> open_binary(const std::string& path);

/// A tool run of the application (`--describe`, `--check`): its code runs with less right than a worker: own
/// namespaces, no network, no ids but the given, nothing writable, bounded memory and CPU.
struct RunRequest {
  int binary;
  std::vector<std::string> arguments;
  std::string input;  ///< given on standard input, at most 1 MiB
  int channel = -1;   ///< becomes descriptor 3; borrowed, -1: none
  std::optional<Ids> ids;
  static constexpr std::chrono::milliseconds kTimeLimit{5000};
  std::chrono::milliseconds time_limit = kTimeLimit;
  std::size_t output_limit = std::size_t{1} << 20;  ///< each of output and errors; more is an error
};
struct Output {
  int status = 0;      ///< exit status; 128 + signal when a signal ended it
  std::string output;  ///< standard output
  std::string errors;  ///< standard error
};
/// Runs to the end, blocking: for start-up and configuration checks, not for the serving loop.
/// Errors: kTimeout, kTooLarge, kSystem (could not be started).
[[nodiscard]] Result<Output> run_sandboxed(const RunRequest& request);

/// Private ids, one per tenant, for tenants whose configuration names no user: 1 900 000 000 + a number below 65 536
/// that depends on the name, so that it is the same after a restart. The range lies above everything that adduser,
/// systemd's dynamic users (61 184–65 519), systemd-nspawn (up to 1 879 048 191) and subuid allocate. Two tenants never
/// share one.
class PrivateIds {
 public:
  [[nodiscard]] Ids of(std::string_view tenant);
  [[nodiscard]] const std::vector<std::pair<std::string, std::uint32_t>>& given() const { return given_; }
  /// Given by the program before this one.
  void go_on_with(std::vector<std::pair<std::string, std::uint32_t>> given) { given_ = std::move(given); }

 private:
  std::vector<std::pair<std::string, std::uint32_t>> given_;
};

}  // namespace sluice::supervisor
