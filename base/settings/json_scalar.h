// JSON's scalars as text: shared by the writers of settings. Not for others.
#pragma once
#include <string>
#include <string_view>

namespace sluice::settings {

/// The text in double quotes with JSON's escapes, which are YAML's too; bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string json_quoted(std::string_view text);
/// Is the text a JSON number, true or false?
[[nodiscard]] bool is_json_literal(std::string_view text);

}  // namespace sluice::settings
