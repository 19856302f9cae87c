// See reader.h. One function per kind of value; each says what it found and what it expected.
#include "base/settings/reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/check.h"
#include "base/settings/json_scalar.h"
#include "base/settings/rules.h"

namespace sluice::settings {
namespace {

class Reader {
 public:
  Reader(const std::string& file, Problems& problems) : file_(file), problems_(problems) {}

  void section(const Section& section, void* object, const Node& node, const std::string& path);

 private:
  void value(const Type& type, const Rules& rules, void* object, const Node& node, const std::string& path);
  void list(const Type& type, const Rules& rules, void* object, const Node& node, const std::string& path);
  void map(const Type& type, const Rules& rules, void* object, const Node& node, const std::string& path);
  void scalar(const Type& type, const Rules& rules, void* object, const Node& node, const std::string& path);
  void unknown_key(const Section& section, const Entry& entry, const std::string& path);
  void problem(Mark mark, const std::string& path, std::string text) {
    problems_.add(file_, mark, path, std::move(text));
  }

  const std::string& file_;
  Problems& problems_;
};

std::string joined(const std::string& path, std::string_view name) {
  return path.empty() ? std::string(name) : path + "." + std::string(name);
}

// What the value is, or what is wrong with it.
struct Parsed {
  Value value;
  std::string fault;
};

Parsed parse_integer(const Type& type, const Rules& rules, const Node& node) {
  Parsed out;
  const char* const end = node.text.data() + node.text.size();
  const auto [rest, error] = std::from_chars(node.text.data(), end, out.value.number);
  const bool whole = error != std::errc::invalid_argument && rest == end && node.style == Node::Style::kPlain;
  if (!whole) {
    out.fault = "is not a whole number";
  } else if (error == std::errc::result_out_of_range || out.value.number < type.least || out.value.number > type.most) {
    const Rules::Range range = rules.range.value_or(Rules::Range{});
    const std::int64_t low = std::max(range.low, type.least);
    const std::int64_t high = std::min(range.high, type.most);
    out.fault = "is not between " + std::to_string(low) + " and " + std::to_string(high);
  }
  return out;
}

Parsed parse_real(const Node& node) {
  Parsed out;
  const char* const end = node.text.data() + node.text.size();
  const auto [rest, error] = std::from_chars(node.text.data(), end, out.value.real);
  const bool number = error == std::errc() && rest == end && node.style == Node::Style::kPlain;
  if (!number || !std::isfinite(out.value.real)) out.fault = "is not a number";
  return out;
}

Parsed parse_text(const Node& node) {
  if (node.style == Node::Style::kPlain && (node.text == "true" || node.text == "false"))
    return {.value = {}, .fault = "is not a text; if it should be one, put it in quotes"};
  return {.value = {.text = node.text}, .fault = {}};
}

Parsed parse_choice(const Type& type, const Node& node) {
  std::vector<std::string_view> names;
  for (const ChoiceName& choice : type.choices) {
    if (choice.name == node.text) return {.value = {.number = choice.value}, .fault = {}};
    names.push_back(choice.name);
  }
  return {.value = {}, .fault = not_one_of(node.text, names)};
}

// units.h already puts the text into its message; here it is the caller's to say, who may have to hide it.
template <class T>
std::string without_text(const Result<T>& result, const Node& node) {
  const std::string& what = result.error().what();
  const std::size_t skip = std::min<std::size_t>(node.text.size(), 64) + 3;
  return what.size() > skip ? what.substr(skip) : what;
}

Parsed parse_scalar(const Type& type, const Rules& rules, const Node& node) {
  switch (type.kind) {
    case Kind::kBool:
      if (node.style == Node::Style::kPlain && (node.text == "true" || node.text == "false"))
        return {.value = {.number = node.text == "true" ? 1 : 0}, .fault = {}};
      return {.value = {}, .fault = "is not true or false"};
    case Kind::kInteger:
      return parse_integer(type, rules, node);
    case Kind::kReal:
      return parse_real(node);
    case Kind::kText:
      return parse_text(node);
    case Kind::kChoice:
      return parse_choice(type, node);
    case Kind::kDuration: {
      const Result<Milliseconds> duration = parse_duration(node.text);
      if (!duration) return {.value = {}, .fault = without_text(duration, node)};
      return {.value = {.number = duration->count()}, .fault = {}};
    }
    case Kind::kSize: {
      const Result<Size> size = Size::parse(node.text);
      if (!size) return {.value = {}, .fault = without_text(size, node)};
      return {.value = {.number = static_cast<std::int64_t>(size->bytes())}, .fault = {}};
    }
    case Kind::kSection:
    case Kind::kList:
    case Kind::kMap:
    case Kind::kOpaque:
      break;
  }
  SLUICE_CHECK(false, "not a scalar");
}

void Reader::unknown_key(const Section& section, const Entry& entry, const std::string& path) {
  std::vector<std::string_view> names;
  names.reserve(section.fields.size());
  for (const Field& field : section.fields) names.push_back(field.name);
  const std::string_view meant = nearest(entry.key, names);
  std::string text = "unknown key";
  if (!meant.empty()) text += "; did you mean \"" + std::string(meant) + "\"?";
  problem(entry.mark, joined(path, step_of(entry.key)), std::move(text));
}

void Reader::section(const Section& section, void* object, const Node& node, const std::string& path) {
  if (node.kind == Node::Kind::kNull) return;  // a section whose keys are all commented out
  if (node.kind != Node::Kind::kMap)
    return problem(node.mark, path, node.called() + " is not a section (\"key: value\" lines)");
  for (const Entry& entry : node.entries) {
    const Field* field = section.find(entry.key);
    if (field == nullptr) {
      unknown_key(section, entry, path);
    } else {
      value(*field->type, field->rules, static_cast<char*>(object) + field->offset, entry.value,
            joined(path, field->name));
    }
  }
}

void Reader::value(const Type& type, const Rules& rules, void* object, const Node& node, const std::string& path) {
  switch (type.kind) {
    case Kind::kSection:
      return section(type.section(), object, node, path);
    case Kind::kList:
      return list(type, rules, object, node, path);
    case Kind::kMap:
      return map(type, rules, object, node, path);
    case Kind::kOpaque:
      if (node.kind == Node::Kind::kNull) return;
      if (node.kind != Node::Kind::kMap) return problem(node.mark, path, node.called() + " is not a section");
      *static_cast<Node*>(object) = node;
      return;
    default:
      return scalar(type, rules, object, node, path);
  }
}

void Reader::list(const Type& type, const Rules& rules, void* object, const Node& node, const std::string& path) {
  if (node.kind == Node::Kind::kNull) return problem(node.mark, path, "has no value; an empty list is []");
  if (node.kind != Node::Kind::kList)
    return problem(node.mark, path, node.called() + " is not a list ([a, b], or one \"- \" line for each)");
  if (rules.filled && node.items.empty()) return problem(node.mark, path, "must not be empty");
  type.clear(object);
  for (std::size_t i = 0; i < node.items.size(); ++i)
    value(*type.element, rules, type.append(object, {}), node.items[i], path + "[" + std::to_string(i) + "]");
}

void Reader::map(const Type& type, const Rules& rules, void* object, const Node& node, const std::string& path) {
  if (node.kind == Node::Kind::kNull) return problem(node.mark, path, "has no value; an empty map is {}");
  if (node.kind != Node::Kind::kMap)
    return problem(node.mark, path, node.called() + " is not a map (\"key: value\" lines)");
  type.clear(object);
  for (const Entry& entry : node.entries) {
    const std::string where = path + (step_of(entry.key).front() == '[' ? "" : ".") + step_of(entry.key);
    if (rules.key_check != nullptr) {
      if (const std::string fault = rules.key_check->find_fault(entry.key); !fault.empty()) {
        problem(entry.mark, where, json_quoted(entry.key) + " " + fault);
        continue;
      }
    }
    value(*type.element, rules, type.append(object, entry.key), entry.value, where);
  }
}

void Reader::scalar(const Type& type, const Rules& rules, void* object, const Node& node, const std::string& path) {
  if (node.kind == Node::Kind::kNull)
    return problem(node.mark, path, "has no value; expected " + expected(type, rules));
  if (node.kind != Node::Kind::kScalar)
    return problem(node.mark, path, node.called() + " is not " + expected(type, rules));
  Parsed parsed = parse_scalar(type, rules, node);
  if (parsed.fault.empty()) parsed.fault = broken_rule(type, rules, parsed.value);
  if (parsed.fault.empty()) return type.set(object, parsed.value);
  problem(node.mark, path, (rules.secret ? "the value" : node.called()) + " " + parsed.fault);
}

}  // namespace

void read_into(const Section& section, void* object, const Document& document, Problems& problems) {
  Reader(document.file, problems).section(section, object, document.root, document.path);
}

const Field* Section::find(std::string_view name) const {
  for (const Field& field : fields)
    if (field.name == name) return &field;
  return nullptr;
}

}  // namespace sluice::settings
