// Parent state: what an application keeps for a whole worker, on its way to the workers of the next generation: a few
// bytes of its own, which the supervisor carries and does not read. A memfd of a fixed size, made by the supervisor,
// written once by the old worker, sealed by the supervisor, read by the new one, which takes it for hostile.
//
//   u32 size, little-endian · as many bytes · nothing
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace sluice::restart {

inline constexpr std::size_t kMostParentState = std::size_t{1} << 20;

/// An empty one, which cannot grow. Errors: kSystem.
[[nodiscard]] Result<Fd> make_parent_state();
/// Errors: kTooLarge; kSystem.
[[nodiscard]] Result<> write_parent_state(const Fd& file, std::string_view bytes);
/// Nobody can change it any more. Errors: kSystem, also when somebody still may.
[[nodiscard]] Result<> seal_parent_state(const Fd& file);
/// Errors: kForbidden when it is not sealed; kBadSyntax.
[[nodiscard]] Result<std::string> read_parent_state(const Fd& file);

}  // namespace sluice::restart
