// A struct as a node tree: the wire form (JSON) and `config` output. And what differs between two structs of a kind.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/settings/document.h"
#include "base/settings/type.h"

namespace sluice::settings {

enum class Secrets : std::uint8_t {
  kShow,
  kHide,
  kHideOpaque,  ///< also sections that are somebody else's business, whose secrets we do not know
};

[[nodiscard]] Node to_node(const Section& section, const void* object, Secrets secrets);
[[nodiscard]] Node to_node(const Type& type, const Rules& rules, const void* object, Secrets secrets);
/// Do two objects of the type hold the same?
[[nodiscard]] bool same(const Type& type, const void* one, const void* other);
/// What is not the same, with both values as JSON in one line, secrets hidden as kHideOpaque says; none where there is
/// no such entry.
struct Change {
  std::string path;
  std::optional<std::string> before;
  std::optional<std::string> after;
};
[[nodiscard]] std::vector<Change> changes(const Section& section, const void* before, const void* after);
/// Paths of everything that is not the same, in the order of the fields.
[[nodiscard]] std::vector<std::string> differences(const Section& section, const void* before, const void* after);

}  // namespace sluice::settings
