// Bytes as hexadecimal digits, for texts that carry some.
#pragma once
#include <string>
#include <string_view>

#include "base/result.h"

namespace sluice {

/// In lower case.
[[nodiscard]] std::string to_hex(std::string_view bytes);
/// Errors: kBadSyntax.
[[nodiscard]] Result<std::string> from_hex(std::string_view hex);

}  // namespace sluice
