// See application.h.
#include "ipc/application.h"

#include <nlohmann/json.hpp>

#include "base/json_text.h"

namespace sluice::ipc {
namespace {
using nlohmann::json;

std::string text_at(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}
std::uint32_t number_at(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_unsigned() ? found->get<std::uint32_t>() : 0;
}

std::string section_json(const ApplicationDescription::Section& section) {
  JsonLine line;
  line.add("yaml", section.yaml).add("schema", section.schema);
  return std::move(line).take();
}
ApplicationDescription::Section section_at(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_object()) return {};
  return {.yaml = text_at(*found, "yaml"), .schema = text_at(*found, "schema")};
}

std::string_view kind_name(SectionToCheck::Kind kind) {
  return kind == SectionToCheck::Kind::kTenant ? "tenant" : "endpoint";
}

// Each line that is not empty, as a JSON object; false from `take` or anything else on a line ends it.
template <class Take>
Result<> each_line(std::string_view text, Take take) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (line.empty()) continue;
    const json object = json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!object.is_object() || !take(object))
      return fail(Code::kBadSyntax,
                  "this is not what the protocol of --check has: " + std::string(line.substr(0, 100)));
  }
  return {};
}

}  // namespace

std::string encode(const ApplicationDescription& description) {
  JsonLine line;
  line.add("name", description.name).add("version", description.version).add("description", description.description);
  line.add_raw("tenant", section_json(description.tenant)).add_raw("endpoint", section_json(description.endpoint));
  if (description.parents == ApplicationDescription::Parents::kHeard) line.add("parents", "heard");
  return std::move(line).take() + "\n";
}

Result<ApplicationDescription> decode_description(std::string_view text) {
  const json object = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object() || text_at(object, "name").empty())
    return fail(Code::kBadSyntax, "the answer to --describe is not a description");
  return ApplicationDescription{.name = text_at(object, "name"),
                                .version = text_at(object, "version"),
                                .description = text_at(object, "description"),
                                .tenant = section_at(object, "tenant"),
                                .endpoint = section_at(object, "endpoint"),
                                .parents = text_at(object, "parents") == "heard"
                                               ? ApplicationDescription::Parents::kHeard
                                               : ApplicationDescription::Parents::kIgnored};
}

std::string encode(const std::vector<SectionToCheck>& sections) {
  std::string out;
  for (const SectionToCheck& section : sections) {
    JsonLine line;
    line.add("section", kind_name(section.kind)).add("document", section.document.encode());
    out += std::move(line).take() + "\n";
  }
  return out;
}

Result<std::vector<SectionToCheck>> decode_sections(std::string_view text) {
  std::vector<SectionToCheck> sections;
  const Result<> read = each_line(text, [&](const json& object) {
    const std::string kind = text_at(object, "section");
    Result<settings::Document> document = settings::Document::decode(text_at(object, "document"));
    if (!document || (kind != "tenant" && kind != "endpoint")) return false;
    sections.push_back({.kind = kind == "tenant" ? SectionToCheck::Kind::kTenant : SectionToCheck::Kind::kEndpoint,
                        .document = *std::move(document)});
    return true;
  });
  if (!read) return fail(read.error());
  return sections;
}

std::string encode(const settings::Problems& problems) {
  std::string out;
  for (const settings::Problem& problem : problems.all()) {
    JsonLine line;
    line.add("file", problem.file).add("line", problem.mark.line).add("column", problem.mark.column);
    line.add("path", problem.path).add("text", problem.text);
    if (!problem.cause.empty()) line.add("cause", problem.cause);
    out += std::move(line).take() + "\n";
  }
  return out;
}

Result<settings::Problems> decode_problems(std::string_view text) {
  settings::Problems problems;
  const Result<> read = each_line(text, [&](const json& object) {
    if (text_at(object, "text").empty()) return false;
    problems.add({.file = text_at(object, "file"),
                  .mark = {.line = number_at(object, "line"), .column = number_at(object, "column")},
                  .path = text_at(object, "path"),
                  .text = text_at(object, "text"),
                  .cause = text_at(object, "cause")});
    return true;
  });
  if (!read) return fail(read.error());
  return problems;
}

}  // namespace sluice::ipc
