// Looking into JSON that came from outside: a request over the control socket, a child's answer. What is not there, or
// is of another kind, reads as empty; whoever needs it says so.
#pragma once
#include <nlohmann/json.hpp>
#include <string>

namespace sluice::supervisor {

[[nodiscard]] inline std::string text_at(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace sluice::supervisor
