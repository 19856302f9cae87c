// OwnMetrics: what the supervisor says about its tenants and workers, in a slab of its own that the admin process reads
// (ipc/supervisor_metrics.h has the names). No message is needed: /ready and /metrics look at it when they are asked.
// Owned by the supervisor's main.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/fd.h"
#include "base/result.h"
#include "ipc/metrics.h"
#include "ipc/slab.h"

namespace sluice::supervisor {

/// The facts of one worker slot.
struct SlotFacts {
  std::string_view tenant;
  std::uint32_t worker = 0;
  bool wanted = false;  ///< the serving generation has it
  bool ready = false;
  std::uint64_t crashes = 0;           ///< so far
  std::uint64_t lost_connections = 0;  ///< with those crashes
};

class OwnMetrics {
 public:
  /// Errors: kSystem.
  [[nodiscard]] static Result<std::unique_ptr<OwnMetrics>> make();
  /// Counts on in the slab of the program before this one. Errors: kSystem, kProtocol.
  [[nodiscard]] static Result<std::unique_ptr<OwnMetrics>> go_on_in(Fd slab);
  OwnMetrics(OwnMetrics&&) = delete;

  /// All slots, after each change of any of them. The built-in tenant is a tenant like others.
  void update(std::span<const SlotFacts> slots);
  /// The generation that serves, and how many live.
  void generations(std::uint64_t serving, std::size_t live);
  /// An upgrade has been decided.
  void upgrade(std::string_view outcome);
  /// So much of the work that was open at a switch has met this fate.
  void switched(std::string_view work, std::string_view fate, std::uint64_t count);
  /// From now on /ready says no.
  void leaving() { draining_.set(1); }
  /// For the admin process. Borrowed.
  [[nodiscard]] const Fd& slab() const { return fd_; }

 private:
  struct Tenant {
    ipc::Gauge workers;
    ipc::Gauge ready;
  };
  struct Slot {
    ipc::Gauge ready;
    ipc::Counter crashes;
    ipc::Counter lost;
  };
  OwnMetrics(Fd fd, ipc::Slab slab);
  Tenant& tenant(std::string_view name);
  Slot& slot(std::string_view tenant, std::uint32_t worker);

  Fd fd_;
  ipc::Slab slab_;
  ipc::MetricsWriter writer_;
  ipc::Gauge draining_;
  ipc::Gauge generation_;
  ipc::Gauge generations_;
  std::map<std::string, Tenant, std::less<>> tenants_;
  std::map<std::pair<std::string, std::uint32_t>, Slot> slots_;
};

}  // namespace sluice::supervisor
