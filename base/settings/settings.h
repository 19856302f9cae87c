// The one header for whoever reads or writes settings: thin templates over the table (type.h) and the code that walks
// it.
#pragma once
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/settings/document.h"
#include "base/settings/node_writer.h"
#include "base/settings/reader.h"
#include "base/settings/schema_writer.h"
#include "base/settings/type.h"
#include "base/settings/yaml_writer.h"

namespace sluice::settings {

/// Settings that check what one field cannot: void validate(settings::Problems&) const adds problems by path.
template <class S>
concept Validated = requires(const S& settings, Problems& problems) { settings.validate(problems); };

/// The settings in a document, or everything that is wrong with it, in the order of the file.
template <Described S>
[[nodiscard]] std::expected<S, Problems> read(const Document& document) {
  if (document.ends_early) return std::unexpected(document.problems);
  S out;
  Problems problems;
  read_into(section_of<S>(), &out, document, problems);
  if constexpr (Validated<S>) {
    Problems found;
    out.validate(found);
    found.locate(document);
    // what could not be read has its default here: no second message about it
    for (const Problem& problem : found.all())
      if (!problems.concern(problem.path)) problems.add(problem.file, problem.mark, problem.path, problem.text);
  }
  problems.append(document.problems);
  if (problems.empty()) return out;
  problems.sort();
  return std::unexpected(std::move(problems));
}

/// One line of JSON that from_json() reads: how settings travel between processes. Holds secrets.
template <Described S>
[[nodiscard]] std::string to_json(const S& settings) {
  return to_json(to_node(section_of<S>(), &settings, Secrets::kShow));
}
/// For people: indented, secrets hidden.
template <Described S>
[[nodiscard]] std::string shown(const S& settings) {
  return to_json(to_node(section_of<S>(), &settings, Secrets::kHide), JsonLayout::kIndented);
}
/// Errors: kBadSyntax, with all problems in the message.
template <Described S>
[[nodiscard]] Result<S> from_json(std::string_view text) {
  Result<Node> node = parse_json(text);
  if (!node) return fail(std::move(node).error());
  std::expected<S, Problems> settings =
      read<S>(Document{.file = {}, .path = {}, .root = *std::move(node), .problems = {}});
  if (!settings) return fail(Code::kBadSyntax, settings.error().text());
  return *std::move(settings);
}

/// The commented file: every option with its documentation, allowed values and default.
template <Described S>
[[nodiscard]] std::string to_yaml(const S& settings, const YamlOptions& options = {}) {
  return to_yaml(section_of<S>(), &settings, options);
}
/// JSON schema, draft 2020-12.
template <Described S>
[[nodiscard]] std::string schema(const SchemaOptions& options) {
  return schema(section_of<S>(), options);
}

/// What a reload would change, for people: secrets hidden.
template <Described S>
[[nodiscard]] std::vector<Change> changes(const S& before, const S& after) {
  return changes(section_of<S>(), &before, &after);
}
/// Paths that differ: what a reload would change.
template <Described S>
[[nodiscard]] std::vector<std::string> differences(const S& before, const S& after) {
  return differences(section_of<S>(), &before, &after);
}

}  // namespace sluice::settings
