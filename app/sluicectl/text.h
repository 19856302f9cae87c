// The supervisor's answers as text for people; one function per command. What an answer lacks is shown as "-": a newer
// or older supervisor is no reason to show nothing.
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace sluice::ctl {

[[nodiscard]] std::string status_text(const nlohmann::json& status);
[[nodiscard]] std::string workers_text(const nlohmann::json& result);
[[nodiscard]] std::string connections_text(const std::vector<nlohmann::json>& connections, std::int64_t now_unix_ms);
[[nodiscard]] std::string upstreams_text(const std::vector<nlohmann::json>& items, std::int64_t now_unix_ms);
[[nodiscard]] std::string check_text(const nlohmann::json& result);

}  // namespace sluice::ctl
