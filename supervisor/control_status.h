// The supervisor's state as JSON: what `status` and `workers` show. docs/operating.md lists the members.
#pragma once
#include <nlohmann/json_fwd.hpp>

namespace sluice::supervisor {

class Supervisor;

[[nodiscard]] nlohmann::json status_json(const Supervisor& supervisor);
/// {"workers":[…]}, all tenants.
[[nodiscard]] nlohmann::json workers_json(const Supervisor& supervisor);

}  // namespace sluice::supervisor
