// See schema_writer.h. The schema is built as a node tree, like everything else here, and printed as JSON.
#include "base/settings/schema_writer.h"

#include "base/settings/json_scalar.h"
#include "base/settings/node_writer.h"
#include "base/settings/rules.h"

namespace sluice::settings {
namespace {

Node text(std::string_view value) {
  return Node::scalar(std::string(value), Node::Style::kQuoted);
}
Node plain(std::string value) {
  return Node::scalar(std::move(value), Node::Style::kPlain);
}
template <class Names>
Node texts(const Names& names) {
  Node out = Node::list();
  for (const auto& name : names) out.items.push_back(text(name));
  return out;
}

// The patterns say what units.cc reads; ranges of durations and sizes are in the description, JSON schema cannot say
// them.
constexpr std::string_view kDurationPattern = "^(0|[0-9]+(ms|s|m|h|d))$";
constexpr std::string_view kSizePattern = "^(0|[0-9]+(B|KiB|MiB|GiB|TiB))$";

class Writer {
 public:
  explicit Writer(const SchemaOptions& options) : options_(options) {}

  Node section(const Section& section, const std::string& path) {
    Node out = Node::map();
    out.add("type", text("object"));
    out.add("description", text(section.about));
    out.add("additionalProperties", plain("false"));
    Node properties = Node::map();
    for (const Field& field : section.fields)
      properties.add(std::string(field.name), property(field, section.defaults, path));
    out.add("properties", std::move(properties));
    return out;
  }

 private:
  Node property(const Field& field, const void* defaults, const std::string& path) {
    const Type& type = *field.type;
    Node out = value(type, field.rules, path.empty() ? std::string(field.name) : path + "." + std::string(field.name));
    if (!field.doc.empty()) describe(out, field, type);
    if (type.kind != Kind::kSection && type.kind != Kind::kOpaque) {
      Node shown = to_node(type, field.rules, static_cast<const char*>(defaults) + field.offset, Secrets::kHide);
      out.add("default", std::move(shown));
    }
    return out;
  }

  static void describe(Node& out, const Field& field, const Type& type) {
    std::string words(field.doc);
    if (type.kind != Kind::kSection && type.kind != Kind::kOpaque && type.kind != Kind::kChoice)
      words += " [" + described(type, field.rules) + "]";
    for (Entry& entry : out.entries)
      if (entry.key == "description") return void(entry.value = text(words));
    out.add("description", text(words));
  }

  Node value(const Type& type, const Rules& rules, const std::string& path) {
    Node out = Node::map();
    switch (type.kind) {
      case Kind::kSection:
        return section(type.section(), path);
      case Kind::kOpaque:
        return opaque(path);
      case Kind::kBool:
        out.add("type", text("boolean"));
        break;
      case Kind::kInteger:
        out.add("type", text("integer"));
        integer_range(out, type, rules);
        break;
      case Kind::kReal:
        out.add("type", text("number"));
        if (rules.real_low != std::numeric_limits<double>::lowest()) {
          out.add("minimum", plain(text_of(type, Value{.real = rules.real_low})));
          out.add("maximum", plain(text_of(type, Value{.real = rules.real_high})));
        }
        break;
      case Kind::kText:
        out.add("type", text("string"));
        if (!rules.one_of.empty()) out.add("enum", texts(rules.one_of));
        if (rules.filled) out.add("minLength", plain("1"));
        break;
      case Kind::kDuration:
        unit_text(out, kDurationPattern);
        break;
      case Kind::kSize:
        unit_text(out, kSizePattern);
        break;
      case Kind::kChoice:
        choice(out, type);
        break;
      case Kind::kList: {
        out.add("type", text("array"));
        if (rules.filled) out.add("minItems", plain("1"));
        Rules inner = rules;
        inner.filled = false;
        out.add("items", value(*type.element, inner, path));
        break;
      }
      case Kind::kMap:
        out.add("type", text("object"));
        out.add("additionalProperties", value(*type.element, rules, path));
        break;
    }
    return out;
  }

  // 0 may be written without quotes.
  static void unit_text(Node& out, std::string_view pattern) {
    Node zero = Node::map();
    zero.add("const", plain("0"));
    Node word = Node::map();
    word.add("type", text("string"));
    word.add("pattern", text(pattern));
    Node either = Node::list();
    either.items = {std::move(word), std::move(zero)};
    out.add("anyOf", std::move(either));
  }

  static void integer_range(Node& out, const Type& type, const Rules& rules) {
    const std::int64_t low = rules.range ? rules.range->low : type.least;
    const std::int64_t high = rules.range ? rules.range->high : type.most;
    // 0 outside the range has a meaning of its own: it joins the range where that is a neighbour, which it mostly is
    if (rules.zero.empty() || low <= 1) {
      out.add("minimum", plain(std::to_string(rules.zero.empty() ? low : std::min<std::int64_t>(low, 0))));
      out.add("maximum", plain(std::to_string(high)));
      return;
    }
    Node zero = Node::map();
    zero.add("const", plain("0"));
    Node range = Node::map();
    range.add("minimum", plain(std::to_string(low)));
    range.add("maximum", plain(std::to_string(high)));
    Node either = Node::list();
    either.items = {std::move(range), std::move(zero)};
    out.add("anyOf", std::move(either));
  }

  // oneOf instead of enum, because editors show a description for each.
  static void choice(Node& out, const Type& type) {
    Node values = Node::list();
    for (const ChoiceName& choice : type.choices) {
      Node one = Node::map();
      one.add("const", text(choice.name));
      if (!choice.doc.empty()) one.add("description", text(choice.doc));
      values.items.push_back(std::move(one));
    }
    out.add("oneOf", std::move(values));
  }

  Node opaque(const std::string& path) const {
    const auto known = options_.opaque.find(path);
    if (known != options_.opaque.end()) {
      if (Result<Node> node = parse_json(known->second); node && node->kind == Node::Kind::kMap) {
        std::erase_if(node->entries, [](const Entry& entry) { return entry.key == "$schema" || entry.key == "title"; });
        return *std::move(node);
      }
    }
    Node out = Node::map();
    out.add("type", text("object"));
    return out;
  }

  const SchemaOptions& options_;
};

}  // namespace

std::string schema(const Section& section, const SchemaOptions& options) {
  Node out = Node::map();
  out.add("$schema", text("https://json-schema.org/draft/2020-12/schema"));
  if (!options.title.empty()) out.add("title", text(options.title));
  for (Entry& entry : Writer(options).section(section, {}).entries) out.entries.push_back(std::move(entry));
  return to_json(out, JsonLayout::kIndented) + "\n";
}

}  // namespace sluice::settings
