// See change.h.
#include "restart/change.h"

#include <string>

#include "base/check.h"

namespace sluice::restart {
namespace {

// "tenants[0].a["x.y"].b" is "tenants.a.b".
std::string without_places(std::string_view path) {
  std::string plain;
  bool inside = false;
  bool quoted = false;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const char c = path[i];
    if (quoted && c == '\\') {
      ++i;
    } else if (inside && c == '"') {
      quoted = !quoted;
    } else if (!inside && c == '[') {
      inside = true;
    } else if (inside && !quoted && c == ']') {
      inside = false;
    } else if (!inside) {
      plain += c;
    }
  }
  return plain;
}

bool below(std::string_view path, std::string_view section) {
  return section.empty() || path == section ||
         (path.starts_with(section) && path.size() > section.size() && path[section.size()] == '.');
}

}  // namespace

std::string_view name(Needs needs) {
  switch (needs) {
    case Needs::kInPlace:
      return "in place";
    case Needs::kGeneration:
      return "new generation";
    case Needs::kRestart:
      return "restart";
  }
  SLUICE_CHECK(false, "no such need");
}

Needs needs_of(std::string_view path) {
  const std::string plain = without_places(path);
  const ChangeRule* best = nullptr;
  for (const ChangeRule& rule : kChangeRules)
    if (below(plain, rule.path) && (best == nullptr || rule.path.size() > best->path.size())) best = &rule;
  SLUICE_CHECK(best != nullptr, "no rule for everything else");
  return best->needs;
}

}  // namespace sluice::restart
