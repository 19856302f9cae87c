// See template_text.h.
#include "base/template_text.h"

#include <algorithm>

namespace sluice {

Result<TemplateText> TemplateText::parse(std::string_view text, std::span<const std::string_view> names) {
  constexpr std::string_view kOpen = "${";
  constexpr std::size_t kShown = 40;
  TemplateText parsed;
  std::string literal;
  while (!text.empty()) {
    const std::size_t at = text.find(kOpen);
    literal += text.substr(0, at);
    if (at == text.npos) break;
    text.remove_prefix(at + kOpen.size());
    if (literal.ends_with('$')) {
      literal += '{';
      continue;
    }
    const std::size_t end = text.find('}');
    const std::string_view name = text.substr(0, end);
    const auto known = std::ranges::find(names, name);
    if (end == text.npos || known == names.end())
      return fail(Code::kBadSyntax, "has the unknown placeholder \"${" + std::string(name.substr(0, kShown)) +
                                        (end == text.npos ? "\", which nothing closes" : "}\""));
    parsed.pieces_.push_back({.literal = literal, .name = static_cast<std::size_t>(known - names.begin())});
    literal.clear();
    text.remove_prefix(end + 1);
  }
  if (!literal.empty()) parsed.pieces_.push_back({.literal = literal});
  return parsed;
}

}  // namespace sluice
