// See problems.h.
#include "base/settings/problems.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "base/settings/document.h"

namespace sluice::settings {
namespace {

// Edits (insert, delete, replace, swap of neighbours) from one word to the other; words are short: keys of a
// configuration.
std::size_t distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> before(to.size() + 1);
  std::vector<std::size_t> last(to.size() + 1);
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(last.begin(), last.end(), 0);
  for (std::size_t i = 1; i <= from.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= to.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[to.size()];
}

// Is `inner` the path `outer` or something inside it?
bool inside(std::string_view inner, std::string_view outer) {
  if (!inner.starts_with(outer)) return false;
  return outer.empty() || inner.size() == outer.size() || inner[outer.size()] == '.' || inner[outer.size()] == '[';
}

}  // namespace

std::string Problem::line() const {
  std::string out = file;
  if (mark.line != 0) out += ":" + std::to_string(mark.line) + ":" + std::to_string(mark.column);
  if (!out.empty()) out += ": ";
  if (!path.empty()) out += path + ": ";
  return out + text;
}

void Problems::add(Problem problem) {
  if (problems_.size() < kMost) problems_.push_back(std::move(problem));
}

void Problems::append(Problems other) {
  for (Problem& problem : other.problems_) add(std::move(problem));
}

void Problems::locate(const Document& document) {
  for (Problem& problem : problems_) {
    if (problem.mark.line != 0) continue;
    problem.file = document.file;
    problem.mark = document.locate(problem.path);
    if (!document.path.empty()) {
      const bool separate = !problem.path.empty() && problem.path.front() != '[';
      problem.path = document.path + (separate ? "." : "") + problem.path;
    }
  }
}

void Problems::sort() {
  std::ranges::sort(problems_, {}, [](const Problem& problem) {
    return std::tie(problem.file, problem.mark, problem.path, problem.text);
  });
}

bool Problems::concern(std::string_view path) const {
  return std::ranges::any_of(
      problems_, [&](const Problem& problem) { return inside(problem.path, path) || inside(path, problem.path); });
}

std::string Problems::text() const {
  std::string out;
  for (const Problem& problem : problems_) out += problem.line() + "\n";
  if (problems_.size() == kMost) out += "(there may be more)\n";
  return out;
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
  constexpr std::size_t kLongest = 64;
  if (word.size() > kLongest) return {};
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t edits = distance(word, candidate);
    if (edits >= best_distance) continue;
    best = candidate;
    best_distance = edits;
  }
  return best;
}

}  // namespace sluice::settings
