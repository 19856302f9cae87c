// A reader of Prometheus' text format, strict enough to find what a scrape would refuse: unknown lines, a sample
// without its TYPE, two samples with the same labels, a label value with raw quotes or line ends.
#pragma once
#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <string>

namespace sluice::admin {

struct Page {
  std::map<std::string, std::string> types;  ///< by family
  std::map<std::string, std::string> helps;  ///< by family
  std::map<std::string, double> samples;     ///< by name and labels, as written
};

inline std::string family_of(const Page& page, const std::string& sample) {
  std::string name = sample.substr(0, sample.find('{'));
  for (const std::string_view suffix : {"_bucket", "_sum", "_count"})
    if (!page.types.contains(name) && name.ends_with(suffix)) name.resize(name.size() - suffix.size());
  return name;
}

/// The length of {name="value",…} at the front, 0 when it is malformed.
inline std::size_t label_set(std::string_view text) {
  std::size_t at = 1;
  while (at < text.size() && text[at] != '}') {
    const std::size_t equals = text.find("=\"", at);
    if (equals == text.npos) return 0;
    at = equals + 2;
    while (at < text.size() && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
    if (at >= text.size()) return 0;
    ++at;
    if (at < text.size() && text[at] == ',') ++at;
  }
  return at < text.size() ? at + 1 : 0;
}

inline Page parse_page(const std::string& text) {
  Page page;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# HELP ") || line.starts_with("# TYPE ")) {
      const std::size_t space = line.find(' ', 7);
      auto& where = line[2] == 'H' ? page.helps : page.types;
      EXPECT_TRUE(where.emplace(line.substr(7, space - 7), line.substr(space + 1)).second) << "twice: " << line;
      continue;
    }
    const std::size_t brace = line.find_first_of("{ ");
    const std::size_t labels = line[brace] == '{' ? label_set(std::string_view(line).substr(brace)) : 0;
    const std::size_t end = brace + labels;
    if (brace == line.npos || end >= line.size() || line[end] != ' ') {
      ADD_FAILURE() << "not a sample: " << line;
      continue;
    }
    const std::string sample = line.substr(0, end);
    EXPECT_TRUE(page.types.contains(family_of(page, sample))) << "no TYPE: " << line;
    EXPECT_TRUE(page.samples.emplace(sample, std::stod(line.substr(end + 1))).second) << "twice: " << line;
  }
  return page;
}

}  // namespace sluice::admin
