// The version that every program of Sluice names; it has one home, project() in CMakeLists.txt.
#pragma once
#include <string_view>

namespace sluice {
/// "0.1.0"
[[nodiscard]] std::string_view version();
}  // namespace sluice
