// TemplateText: a text with placeholders, "${name}", parsed once and rendered often. Everything else stands for itself,
// a lone "$" and braces too, so that JSON and style sheets need no escapes; "$${" is "${".
//
// What a placeholder becomes, and how it is escaped, is said by whoever renders.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sluice {

class TemplateText {
 public:
  TemplateText() = default;
  /// `names` are those that may stand in the braces. Errors: kBadSyntax: an unknown name, an open brace.
  [[nodiscard]] static Result<TemplateText> parse(std::string_view text, std::span<const std::string_view> names);

  [[nodiscard]] bool empty() const { return pieces_.empty(); }
  /// `append(out, index)` appends what names[index] stands for.
  template <class Append>
  void render(std::string& out, Append append) const {
    for (const Piece& piece : pieces_) {
      out += piece.literal;
      if (piece.name != kNone) append(out, piece.name);
    }
  }

 private:
  static constexpr std::size_t kNone = SIZE_MAX;
  struct Piece {
    std::string literal;
    std::size_t name = kNone;  // behind the literal
  };
  std::vector<Piece> pieces_;
};

}  // namespace sluice
