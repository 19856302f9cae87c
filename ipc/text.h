// Text that came from another process: is it what we print, and if not, what do we print in its place.
//
// Names and sentences of a worker end in logs, in metrics and on an operator's terminal. A worker that was taken over
// must not reach the terminal behind the tables, so nothing but valid UTF-8 without control characters gets through.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace sluice::ipc {

/// True for valid UTF-8 (RFC 3629: shortest form, no surrogates) without control characters (C0, DEL, C1).
[[nodiscard]] bool is_printable(std::string_view bytes);
/// The same bytes with U+FFFD in place of each byte that is_printable() would refuse.
[[nodiscard]] std::string printable(std::string_view bytes);
/// The longest front part of at most `most` bytes that does not end inside a UTF-8 sequence.
[[nodiscard]] std::string_view cut_at_character(std::string_view text, std::size_t most);

}  // namespace sluice::ipc
