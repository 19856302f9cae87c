// Reconfiguration: other settings for the workers of a generation that serves, without new processes, in all of them or
// in none. Every worker that runs is asked whether it can go over to them; only when all have said yes they are told
// to, and processes that start later begin with them. Until then nothing has changed. Lives for one attempt, owned by
// the upgrader.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/loop.h"
#include "base/signal.h"
#include "base/task.h"
#include "supervisor/generation.h"

namespace sluice::supervisor {

class Reconfiguration {
 public:
  /// `number`: another one each time. Lifetime: the generation outlives it.
  Reconfiguration(Generation& generation, std::uint64_t number) : generation_(generation), number_(number) {}
  Reconfiguration(Reconfiguration&&) = delete;

  /// Asks all workers of the tenants whose settings differ, and waits for their answers. `news` is set when a worker
  /// has moved. Errors: who cannot, and why; kTimeout.
  [[nodiscard]] Task<Result<>> prepare(Loop& loop, const ipc::Settings& settings, Signal& news, Deadline deadline);
  /// After a prepare() that succeeded, in the same turn of the loop. Errors: a worker has moved meanwhile; nothing has
  /// changed.
  [[nodiscard]] Result<> adopt();

 private:
  struct Change {
    Tenant* tenant;
    Fd settings;
    std::vector<Fd> keys;
    std::vector<Worker*> asked;
  };
  [[nodiscard]] Result<> seal(const ipc::Settings& settings);
  /// The keyholder is asked too, whether it can use the keys.
  [[nodiscard]] Result<> include_keyholder();
  /// All its workers either run and are ready, or have no process.
  [[nodiscard]] bool settled() const;
  [[nodiscard]] Result<> ask();
  enum class Answers : std::uint8_t { kMissing, kAll };
  [[nodiscard]] Result<Answers> answers() const;

  Generation& generation_;
  std::uint64_t number_;
  std::vector<Change> changes_;
};

}  // namespace sluice::supervisor
