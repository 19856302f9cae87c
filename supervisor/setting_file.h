// read_setting(): the text of a file that the configuration names, for settings that take a file in place of a text.
// open_setting(): the file itself, for somebody else to read.
#pragma once
#include <cstddef>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace sluice::supervisor {

/// At most one byte more than `most`, by which the caller sees that it is too long. Errors: not a regular file, or what
/// the system says.
[[nodiscard]] Result<std::string> read_setting(const std::string& file, std::size_t most);

/// For reading. Errors: not a regular file, or what the system says.
[[nodiscard]] Result<Fd> open_setting(const std::string& file);

}  // namespace sluice::supervisor
