// Problems: everything that is wrong with a configuration, found in one go and said in one form:
// "sluice.yaml:14:9: listeners[0].port: 70000 is not between 1 and 65535".
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::settings {

/// A place in a file; lines and columns count from 1, and 0 means that the place is not known.
struct Mark {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  auto operator<=>(const Mark&) const = default;
};

struct Problem {
  std::string file;
  Mark mark;
  std::string path;  ///< "tenants[0].endpoints[1].name"; empty for the file as a whole
  std::string text;
  std::string cause = {};  ///< a name for what kind of trouble it is, where somebody cares: "unreadable_file"

  /// file:line:column: path: text, leaving out what is not known.
  [[nodiscard]] std::string line() const;
};

class Document;

class Problems {
 public:
  /// Stops counting here: a hostile or a wrong kind of file must not fill the terminal.
  static constexpr std::size_t kMost = 100;

  void add(Problem problem);
  void add(std::string file, Mark mark, std::string path, std::string text) {
    add({.file = std::move(file), .mark = mark, .path = std::move(path), .text = std::move(text)});
  }
  /// From a check that knows only the path; locate() finds the place.
  void add(std::string path, std::string text) { add({}, {}, std::move(path), std::move(text)); }
  void append(Problems other);
  /// Gives every problem without a place the place of its path (or of the nearest parent that is in the file).
  void locate(const Document& document);
  /// In the order of the file.
  void sort();

  [[nodiscard]] bool empty() const { return problems_.empty(); }
  [[nodiscard]] std::size_t size() const { return problems_.size(); }
  [[nodiscard]] const std::vector<Problem>& all() const { return problems_; }
  /// Is there a problem at this path, or inside or around it?
  [[nodiscard]] bool concern(std::string_view path) const;
  /// One line each, with a closing newline.
  [[nodiscard]] std::string text() const;

 private:
  std::vector<Problem> problems_;
};

/// The candidate that `word` was probably meant to be (few edits away), or an empty view.
[[nodiscard]] std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace sluice::settings
