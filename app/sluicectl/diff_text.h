// What `sluicectl diff` prints. See text.h.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace sluice::ctl {

/// `changes`: the settings that differ.
[[nodiscard]] std::string diff_text(const nlohmann::json& result, const std::vector<nlohmann::json>& changes);

}  // namespace sluice::ctl
