// What describe() says about a field, put into words and held against a value: shared by reader and writers. Not for
// others.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/settings/type.h"

namespace sluice::settings {

/// What is wrong with a value of the right type ("is not between 1 and 65535"), or nothing.
[[nodiscard]] std::string broken_rule(const Type& type, const Rules& rules, const Value& value);
/// "true or false", "a duration from 1s to 1h, or 0 (off)": what a scalar of this type looks like.
[[nodiscard]] std::string expected(const Type& type, const Rules& rules);
/// The same for any type: "a list, each of them a host name; not empty".
[[nodiscard]] std::string described(const Type& type, const Rules& rules);
/// The value as a configuration would have it; texts without quotes.
[[nodiscard]] std::string text_of(const Type& type, const Value& value);
/// "is not one of a, b, c", with "did you mean".
[[nodiscard]] std::string not_one_of(std::string_view word, const std::vector<std::string_view>& names);
/// A key as a step of a path: itself, or ["a.b"] where it holds a dot or a bracket.
[[nodiscard]] std::string step_of(std::string_view key);

}  // namespace sluice::settings
