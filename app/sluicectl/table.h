// A table of text for a terminal: columns as wide as their widest cell, two spaces between them, nothing after the
// last. Cells may come from the network (a request's target): whatever could move the terminal is shown as an escape.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace sluice::ctl {

class Table {
 public:
  explicit Table(std::vector<std::string> heads) : heads_(std::move(heads)) {}
  /// As many cells as there are heads.
  void add(std::vector<std::string> cells);
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::string> heads_;
  std::vector<std::vector<std::string>> rows_;
};

/// Without control characters; bytes that are not UTF-8 are replaced.
[[nodiscard]] std::string harmless(std::string_view text);
/// "512 B", "1.5 MiB".
[[nodiscard]] std::string bytes_text(std::uint64_t bytes);
/// "42s", "3m 5s", "2h 0m", "9d 4h".
[[nodiscard]] std::string age_text(std::int64_t seconds);

}  // namespace sluice::ctl
