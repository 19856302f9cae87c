// What is known of one upgrade: who asked, where it stands, how it came out, its ledger. The Upgrader writes it; those
// who asked, and `sluicectl upgrades`, read it. Shared: a client may still wait for one that is forgotten elsewhere.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/settings/problems.h"
#include "base/signal.h"
#include "restart/ledger.h"
#include "restart/outcome.h"
#include "restart/phase.h"
#include "restart/saved_state.h"

namespace sluice::supervisor {

struct UpgradeEvent {
  std::int64_t unix_ms;
  restart::Phase phase;
  std::string text;
};

class UpgradeRecord {
 public:
  UpgradeRecord(std::uint64_t number, std::string why);
  /// For another program that goes on with it; and back.
  explicit UpgradeRecord(const restart::SavedUpgrade& saved);
  [[nodiscard]] restart::SavedUpgrade save() const;
  UpgradeRecord(UpgradeRecord&&) = delete;

  /// By the table in restart/phase.h.
  void move_to(restart::Phase next, std::string text);
  /// Once.
  void decide(restart::Outcome outcome, std::string reason);

  [[nodiscard]] std::uint64_t number() const { return number_; }
  [[nodiscard]] const std::string& why() const { return why_; }
  [[nodiscard]] std::int64_t started_unix_ms() const { return started_unix_ms_; }
  [[nodiscard]] restart::Phase phase() const { return phase_; }
  [[nodiscard]] const std::vector<UpgradeEvent>& events() const { return events_; }
  [[nodiscard]] const std::optional<restart::Outcome>& outcome() const { return outcome_; }
  [[nodiscard]] const std::string& reason() const { return reason_; }
  /// Nothing more will happen to it.
  [[nodiscard]] bool ended() const { return phase_ == restart::Phase::kEnded || phase_ == restart::Phase::kFailed; }

  enum class Force : std::uint8_t { kNo, kYes };
  Force force = Force::kNo;  ///< new workers even when nothing has changed
  std::uint64_t from = 0;    ///< generations
  std::uint64_t to = 0;      ///< 0: none was made
  std::uint64_t leaving = 0;
  std::vector<std::string> changes;  ///< paths of the configuration
  settings::Problems problems;
  std::vector<std::string> last_words;
  restart::Ledger ledger;

 private:
  friend class UpgradeWatch;
  void tell();

  std::uint64_t number_;
  std::string why_;
  std::int64_t started_unix_ms_;
  restart::Phase phase_ = restart::Phase::kWaiting;
  std::vector<UpgradeEvent> events_;
  std::optional<restart::Outcome> outcome_;
  std::string reason_;
  std::vector<Signal*> watchers_;
};

/// Somebody who wants to know when a record changes. Lifetime: the record outlives it.
class UpgradeWatch {
 public:
  explicit UpgradeWatch(UpgradeRecord& record);
  UpgradeWatch(UpgradeWatch&&) = delete;
  ~UpgradeWatch();
  [[nodiscard]] Signal& changed() { return changed_; }

 private:
  UpgradeRecord& record_;
  Signal changed_;
};

}  // namespace sluice::supervisor
