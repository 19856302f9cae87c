// See yaml_writer.h.
//
// Every kind of section is documented where it first appears. A second section of the kind shows all its values without
// comments; a second element of a list shows only what differs from the defaults, as a person would write it.
#include "base/settings/yaml_writer.h"

#include <algorithm>
#include <set>

#include "base/ascii.h"
#include "base/settings/json_scalar.h"
#include "base/settings/node_writer.h"
#include "base/settings/rules.h"

namespace sluice::settings {
namespace {

constexpr std::size_t kWidth = 110;

const void* at(const Field& field, const void* object) {
  return static_cast<const char*>(object) + field.offset;
}

bool is_scalar(const Type& type) {
  switch (type.kind) {
    case Kind::kSection:
    case Kind::kList:
    case Kind::kMap:
    case Kind::kOpaque:
      return false;
    default:
      return true;
  }
}

// Text that YAML 1.1 and 1.2 readers alike take for nothing but text.
bool is_plain(std::string_view text) {
  constexpr std::string_view kOther[] = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"};
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (text.empty() || !letter(text.front())) return false;
  if (std::ranges::find(kOther, lower_case(text)) != std::end(kOther)) return false;
  return std::ranges::all_of(
      text, [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'; });
}

std::string key_text(std::string_view key) {
  return is_plain(key) ? std::string(key) : json_quoted(key);
}

std::string scalar(const Type& type, const void* object) {
  std::string text = text_of(type, type.get(object));
  return type.kind == Kind::kText && !is_plain(text) ? json_quoted(text) : text;
}

// On one line: a scalar, or a list or map of scalars.
std::string flow(const Type& type, const void* object) {
  if (is_scalar(type)) return scalar(type, object);
  std::string out;
  type.each(object, [&](std::string_view key, const void* element) {
    if (!out.empty()) out += ", ";
    if (type.kind == Kind::kMap) out += key_text(key) + ": ";
    out += flow(*type.element, element);
  });
  return type.kind == Kind::kMap ? "{" + out + "}" : "[" + out + "]";
}

// Can it be said on one line?
bool flows(const Type& type) {
  const Type* inner = &type;
  while (inner->kind == Kind::kList || inner->kind == Kind::kMap) inner = inner->element;
  return is_scalar(*inner);
}

bool is_list_of_sections(const Type& type) {
  return type.kind == Kind::kList && type.element->kind == Kind::kSection;
}

// Must it be written? Then its default is of no interest.
bool is_required(const Field& field, const void* defaults) {
  if (!field.rules.filled) return false;
  if (field.type->kind == Kind::kText) return field.type->get(at(field, defaults)).text.empty();
  return field.type->kind == Kind::kList && field.type->size(at(field, defaults)) == 0;
}

class Writer {
 public:
  Writer(const YamlOptions& options, std::string& out) : options_(options), out_(out) {}

  // What of a section is written.
  enum class Show : std::uint8_t {
    kAll,          // every option with its documentation
    kValues,       // every option, documented further up
    kDifferences,  // what is not the default
  };

  void heading(std::string_view text, std::size_t indent) { comment(text, indent); }
  void section(const Section& section, const void* object, std::size_t indent, Show show, const std::string& path);

 private:
  void element(const Section& section, const void* object, std::size_t indent, Show show, const std::string& path);
  void field(const Field& field, const void* object, std::size_t indent, Show show, const std::string& path);
  void list(const Field& field, const void* object, std::size_t indent, Show show, const std::string& path);
  void map(const Type& type, const void* object, std::size_t indent);
  void opaque(const Field& field, const void* object, std::size_t indent, const std::string& path);
  void document(const Field& field, const void* defaults, std::size_t indent);
  void comment(std::string_view text, std::size_t indent);
  void template_of(const Section& section, std::size_t indent, const std::string& path);

  std::string pad(std::size_t indent) const { return std::string(indent, ' '); }
  // The key, behind "- " when it is the first of a list's element.
  void key(const Field& field, std::size_t indent) {
    out_ += pad(dash_ ? indent - 2 : indent) + (dash_ ? "- " : "") + std::string(field.name) + ":";
    dash_ = false;
  }
  // Where comments of the next key go: level with the dash, if there will be one.
  std::size_t comment_indent(std::size_t indent) const { return dash_ ? indent - 2 : indent; }

  const YamlOptions& options_;
  std::string& out_;
  std::set<const Section*> documented_;
  bool dash_ = false;
};

void Writer::comment(std::string_view text, std::size_t indent) {
  while (!text.empty()) {
    const std::size_t line_end = std::min(text.find('\n'), text.size());
    std::string_view rest = text.substr(0, line_end);
    text.remove_prefix(std::min(line_end + 1, text.size()));
    if (rest.empty()) out_ += pad(indent) + "#\n";
    const std::size_t room = kWidth - std::min(indent + 2, kWidth / 2);
    while (!rest.empty()) {
      std::size_t end = rest.size();
      if (end > room) {
        end = rest.rfind(' ', room);
        if (end == std::string_view::npos) end = std::min(rest.find(' '), rest.size());
      }
      out_ += pad(indent) + "# " + std::string(rest.substr(0, end)) + "\n";
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
}

void Writer::document(const Field& field, const void* defaults, std::size_t indent) {
  const Type& type = *field.type;
  const Type* inner = &type;
  while (inner->kind == Kind::kList || inner->kind == Kind::kMap) inner = inner->element;
  std::string_view text = field.doc;
  if (text.empty() && inner->kind == Kind::kSection) text = inner->section().about;
  comment(text, indent);
  if (!flows(type)) return;
  if (inner->kind == Kind::kChoice) {
    std::size_t longest = 0;
    for (const ChoiceName& choice : inner->choices) longest = std::max(longest, choice.name.size());
    for (const ChoiceName& choice : inner->choices)
      comment("  " + std::string(choice.name) + std::string(longest - choice.name.size() + 2, ' ') +
                  std::string(choice.doc),
              indent);
  }
  std::string facts = type.kind == Kind::kChoice ? "" : described(type, field.rules) + "; ";
  facts += is_required(field, defaults) ? "required" : "default: " + flow(type, at(field, defaults));
  comment("[" + facts + "]", indent);
}

void Writer::section(const Section& section, const void* object, std::size_t indent, Show show,
                     const std::string& path) {
  if (show == Show::kAll && !documented_.insert(&section).second) show = Show::kValues;
  bool first = true;
  for (const Field& one : section.fields) {
    const bool list_needs_it = dash_ && &one == &section.fields.front();
    if (show == Show::kDifferences && !list_needs_it && same(*one.type, at(one, object), at(one, section.defaults)))
      continue;
    if (show == Show::kAll) {
      const bool roomy = indent == 2 * options_.depth || !flows(*one.type);
      if (roomy && !first) out_ += "\n";
      document(one, section.defaults, comment_indent(indent));
    }
    field(one, object, indent, show, path.empty() ? std::string(one.name) : path + "." + std::string(one.name));
    first = false;
  }
}

void Writer::field(const Field& field, const void* object, std::size_t indent, Show show, const std::string& path) {
  const Type& type = *field.type;
  const void* value = at(field, object);
  if (type.kind == Kind::kSection) {
    key(field, indent);
    out_ += "\n";
    return section(type.section(), value, indent + 2, show, path);
  }
  if (type.kind == Kind::kOpaque) return opaque(field, value, indent, path);
  if (is_list_of_sections(type)) return list(field, value, indent, show, path);
  key(field, indent);
  std::string line = flow(type, value);
  if (type.kind == Kind::kMap && type.size(value) != 0) {
    out_ += "\n";
    return map(type, value, indent + 2);
  }
  if (type.kind == Kind::kList && indent + field.name.size() + line.size() + 2 > kWidth) {
    out_ += "\n";
    type.each(value, [&](std::string_view, const void* one) {
      out_ += pad(indent + 2) + "- " + flow(*type.element, one) + "\n";
    });
    return;
  }
  out_ += " " + line + "\n";
}

void Writer::map(const Type& type, const void* object, std::size_t indent) {
  type.each(object, [&](std::string_view key, const void* element) {
    out_ += pad(indent) + key_text(key) + ": " + flow(*type.element, element) + "\n";
  });
}

void Writer::list(const Field& field, const void* object, std::size_t indent, Show show, const std::string& path) {
  const Section& section = field.type->element->section();
  key(field, indent);
  if (field.type->size(object) == 0) {
    out_ += " []\n";
    if (show == Show::kAll && !documented_.contains(&section)) template_of(section, indent, path);
    return;
  }
  out_ += "\n";
  bool first = true;
  field.type->each(object, [&](std::string_view, const void* one) {
    const bool known = documented_.contains(&section);
    if (!first && show == Show::kAll) out_ += "\n";
    element(section, one, indent + 2, known ? Show::kDifferences : Show::kAll, path);
    first = false;
  });
}

void Writer::element(const Section& section, const void* object, std::size_t indent, Show show,
                     const std::string& path) {
  dash_ = true;
  this->section(section, object, indent + 2, show, path);
  dash_ = false;
}

// An element as it could be written, commented out, where the list is empty.
void Writer::template_of(const Section& section, std::size_t indent, const std::string& path) {
  const std::size_t start = out_.size();
  element(section, section.defaults, indent + 2, Show::kAll, path);
  const std::string lines = out_.substr(start);
  out_.resize(start);
  for (std::size_t begin = 0; begin < lines.size();) {
    const std::size_t end = lines.find('\n', begin);
    const std::string_view line = std::string_view(lines).substr(begin, end - begin);
    out_ += line.size() <= indent ? pad(indent) + "#\n" : pad(indent) + "# " + std::string(line.substr(indent)) + "\n";
    begin = end + 1;
  }
}

void Writer::opaque(const Field& field, const void* object, std::size_t indent, const std::string& path) {
  const Node& node = *static_cast<const Node*>(object);
  const auto fragment = options_.opaque.find(path);
  key(field, indent);
  if (!node.entries.empty()) {
    out_ += " " + settings::to_json(node) + "\n";
  } else if (fragment == options_.opaque.end() || fragment->second.empty()) {
    out_ += " {}\n";
  } else {
    out_ += "\n";
    const std::string& lines = fragment->second;
    for (std::size_t begin = 0; begin < lines.size();) {
      const std::size_t end = std::min(lines.find('\n', begin), lines.size());
      if (end > begin) out_ += pad(indent + 2) + lines.substr(begin, end - begin);
      out_ += "\n";
      begin = end + 1;
    }
  }
}

}  // namespace

std::string to_yaml(const Section& section, const void* object, const YamlOptions& options) {
  std::string out;
  Writer writer(options, out);
  const std::size_t indent = 2 * options.depth;
  if (!options.heading.empty()) {
    writer.heading(options.heading, indent);
    out += "\n";
  }
  writer.section(section, object, indent, Writer::Show::kAll, {});
  return out;
}

}  // namespace sluice::settings
