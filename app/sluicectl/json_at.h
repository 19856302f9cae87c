// Looking into answers that came over the control socket: what is not there, or of another kind, has a value all the
// same, because a table with a gap is better than none.
#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace sluice::ctl {

[[nodiscard]] inline const nlohmann::json& at(const nlohmann::json& object, const char* key) {
  static const nlohmann::json nothing;
  if (!object.is_object()) return nothing;
  const auto found = object.find(key);
  return found != object.end() ? *found : nothing;
}
[[nodiscard]] inline std::string text_of(const nlohmann::json& value) {
  if (value.is_null()) return "-";
  return value.is_string() ? value.get<std::string>() : value.dump();
}
[[nodiscard]] inline std::string text_at(const nlohmann::json& object, const char* key) {
  return text_of(at(object, key));
}
[[nodiscard]] inline std::int64_t number_at(const nlohmann::json& object, const char* key) {
  const nlohmann::json& value = at(object, key);
  return value.is_number_integer() ? value.get<std::int64_t>() : 0;
}
[[nodiscard]] inline std::uint64_t count_at(const nlohmann::json& object, const char* key) {
  const nlohmann::json& value = at(object, key);
  return value.is_number_unsigned() ? value.get<std::uint64_t>() : 0;
}
[[nodiscard]] inline bool is_true(const nlohmann::json& value) {
  return value.is_boolean() && value.get<bool>();
}

}  // namespace sluice::ctl
