// What `sluicectl upgrade` and `sluicectl upgrades` print. See text.h.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace sluice::ctl {

/// One line of progress, as it comes.
[[nodiscard]] std::string progress_text(const nlohmann::json& item);
/// The end of it: outcome, what was wrong, the ledger.
[[nodiscard]] std::string upgrade_text(const nlohmann::json& record);
[[nodiscard]] std::string upgrades_text(const nlohmann::json& result);
/// docs/restart.md has the list. 20: the ledger does not balance.
[[nodiscard]] int upgrade_exit_code(const nlohmann::json& record);

}  // namespace sluice::ctl
