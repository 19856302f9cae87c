// A struct as a node tree: the wire form (JSON) and `config` output. And what differs between two structs of a kind.
#pragma once
#include <string>
#include <vector>

#include "base/settings/document.h"
#include "base/settings/type.h"

namespace sluice::settings {

enum class Secrets : std::uint8_t { kShow, kHide };

[[nodiscard]] Node to_node(const Section& section, const void* object, Secrets secrets);
[[nodiscard]] Node to_node(const Type& type, const Rules& rules, const void* object, Secrets secrets);
/// Do two objects of the type hold the same?
[[nodiscard]] bool same(const Type& type, const void* one, const void* other);
/// Paths of everything that is not the same, in the order of the fields.
[[nodiscard]] std::vector<std::string> differences(const Section& section, const void* before, const void* after);

}  // namespace sluice::settings
