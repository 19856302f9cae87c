// The tree of document.h without any library: looking up, comparing, and the form with places for another process.
#include "base/settings/document.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <unordered_set>

#include "base/check.h"
#include "base/settings/json_scalar.h"

namespace sluice::settings {
namespace {

// One step of a path: a key or an index.
struct Step {
  std::string_view key;
  std::size_t index = 0;
  bool indexed = false;
};

// Takes the first step off a path. Keys may be quoted ("hosts[\"a.b\"]") where they hold a dot or a bracket.
std::optional<Step> next_step(std::string_view& path) {
  if (path.starts_with('.')) path.remove_prefix(1);
  if (path.empty()) return std::nullopt;
  if (path.starts_with("[\"")) {
    const std::size_t end = path.find("\"]", 2);
    if (end == std::string_view::npos) return std::nullopt;
    const Step step{.key = path.substr(2, end - 2)};
    path.remove_prefix(end + 2);
    return step;
  }
  if (path.starts_with('[')) {
    Step step{.indexed = true};
    const auto [rest, error] = std::from_chars(path.data() + 1, path.data() + path.size(), step.index);
    if (error != std::errc() || rest == path.data() + path.size() || *rest != ']') return std::nullopt;
    path.remove_prefix(static_cast<std::size_t>(rest - path.data()) + 1);
    return step;
  }
  const std::size_t end = std::min(path.find_first_of(".["), path.size());
  const Step step{.key = path.substr(0, end)};
  path.remove_prefix(end);
  return step;
}

const Node* child(const Node& node, const Step& step) {
  if (!step.indexed) return node.find(step.key);
  return step.index < node.items.size() ? &node.items[step.index] : nullptr;
}

// The encoded form of a node: [kind, line, column, value], kind being null, plain, text, list or map.
Node number(std::uint32_t value) {
  return Node::scalar(std::to_string(value), Node::Style::kPlain);
}
Node word(std::string value) {
  return Node::scalar(std::move(value), Node::Style::kQuoted);
}

Node encoded(const Node& node) {
  Node out = Node::list();
  std::string_view kind;
  Node value = Node::list();
  switch (node.kind) {
    case Node::Kind::kNull:
      kind = "null";
      break;
    case Node::Kind::kScalar:
      kind = node.style == Node::Style::kPlain ? "plain" : "text";
      value = word(node.text);
      break;
    case Node::Kind::kList:
      kind = "list";
      for (const Node& item : node.items) value.items.push_back(encoded(item));
      break;
    case Node::Kind::kMap:
      kind = "map";
      for (const Entry& entry : node.entries) {
        Node row = Node::list();
        row.items = {word(entry.key), number(entry.mark.line), number(entry.mark.column), encoded(entry.value)};
        value.items.push_back(std::move(row));
      }
      break;
  }
  out.items = {word(std::string(kind)), number(node.mark.line), number(node.mark.column), std::move(value)};
  return out;
}

std::optional<std::uint32_t> decoded_number(const Node& node) {
  std::uint32_t value = 0;
  const char* const end = node.text.data() + node.text.size();
  const auto [rest, error] = std::from_chars(node.text.data(), end, value);
  if (node.kind != Node::Kind::kScalar || error != std::errc() || rest != end) return std::nullopt;
  return value;
}

std::optional<Mark> decoded_mark(const Node& line, const Node& column) {
  const std::optional<std::uint32_t> l = decoded_number(line);
  const std::optional<std::uint32_t> c = decoded_number(column);
  if (!l || !c) return std::nullopt;
  return Mark{*l, *c};
}

constexpr std::size_t kEncodedItems = 4;

// Recursion is bounded by parse_json's depth.
std::optional<Node> decoded(const Node& row) {
  if (row.items.size() != kEncodedItems) return std::nullopt;
  const std::optional<Mark> mark = decoded_mark(row.items[1], row.items[2]);
  const std::string& kind = row.items[0].text;
  const Node& value = row.items[3];
  if (!mark) return std::nullopt;
  Node node{.mark = *mark};
  if (kind == "null") return node;
  if (kind == "plain" || kind == "text") {
    if (value.kind != Node::Kind::kScalar) return std::nullopt;
    node.kind = Node::Kind::kScalar;
    node.style = kind == "plain" ? Node::Style::kPlain : Node::Style::kQuoted;
    node.text = value.text;
    return node;
  }
  if (value.kind != Node::Kind::kList) return std::nullopt;
  if (kind == "list") {
    node.kind = Node::Kind::kList;
    for (const Node& item : value.items) {
      std::optional<Node> one = decoded(item);
      if (!one) return std::nullopt;
      node.items.push_back(*std::move(one));
    }
    return node;
  }
  if (kind != "map") return std::nullopt;
  node.kind = Node::Kind::kMap;
  std::unordered_set<std::string_view> keys;
  for (const Node& item : value.items) {
    if (item.items.size() != kEncodedItems || item.items[0].kind != Node::Kind::kScalar) return std::nullopt;
    const std::optional<Mark> key_mark = decoded_mark(item.items[1], item.items[2]);
    std::optional<Node> one = decoded(item.items[3]);
    if (!key_mark || !one || !keys.insert(item.items[0].text).second) return std::nullopt;
    node.entries.push_back({item.items[0].text, *key_mark, *std::move(one)});
  }
  return node;
}

}  // namespace

Node Node::scalar(std::string text, Style style) {
  return Node{.kind = Kind::kScalar, .style = style, .text = std::move(text)};
}

Node Node::list() {
  return Node{.kind = Kind::kList};
}
Node Node::map() {
  return Node{.kind = Kind::kMap};
}

const Node* Node::find(std::string_view key) const {
  const auto found = std::ranges::find(entries, key, &Entry::key);
  return found == entries.end() ? nullptr : &found->value;
}

Node& Node::add(std::string key, Node value) {
  SLUICE_CHECK(kind == Kind::kMap && find(key) == nullptr, "keys of a map are unique");
  entries.push_back({std::move(key), {}, std::move(value)});
  return entries.back().value;
}

std::string Node::called() const {
  constexpr std::size_t kShown = 64;
  switch (kind) {
    case Kind::kNull:
      return "nothing";
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "a section";
    case Kind::kScalar:
      break;
  }
  const std::string shown = text.size() > kShown ? text.substr(0, kShown) + "..." : text;
  std::string quoted = json_quoted(shown);
  const bool harmless = quoted.size() == shown.size() + 2;  // nothing in it that a terminal would act on
  return style == Style::kPlain && harmless ? shown : quoted;
}

bool Node::operator==(const Node& other) const {
  if (kind != other.kind || text != other.text || items != other.items || entries != other.entries) return false;
  return kind != Kind::kScalar || style == other.style || !is_json_literal(text);
}

bool Entry::operator==(const Entry& other) const {
  return key == other.key && value == other.value;
}

Mark Document::locate(std::string_view where) const {
  const Node* node = &root;
  Mark mark = root.mark;
  while (const std::optional<Step> step = next_step(where)) {
    node = child(*node, *step);
    if (node == nullptr) break;
    mark = node->mark;
  }
  return mark;
}

Document Document::part(std::string_view where) const {
  Document out{.file = file, .path = path, .root = {}, .problems = {}};
  if (!out.path.empty() && !where.starts_with('[')) out.path += ".";
  out.path += where;
  const Node* node = &root;
  Mark mark = root.mark;
  while (const std::optional<Step> step = next_step(where)) {
    node = child(*node, *step);
    if (node == nullptr) {
      out.root.mark = mark;
      return out;
    }
    mark = node->mark;
  }
  out.root = *node;
  return out;
}

std::string Document::encode() const {
  Node out = Node::list();
  out.items = {word(file), word(path), encoded(root)};
  return to_json(out);
}

Result<Document> Document::decode(std::string_view text) {
  Result<Node> outer = parse_json(text);
  if (!outer) return fail(std::move(outer).error());
  constexpr std::size_t kParts = 3;
  if (outer->items.size() != kParts) return fail(Code::kBadSyntax, "not an encoded document");
  std::optional<Node> root = decoded(outer->items[2]);
  if (!root) return fail(Code::kBadSyntax, "not an encoded document");
  return Document{.file = outer->items[0].text, .path = outer->items[1].text, .root = *std::move(root), .problems = {}};
}

}  // namespace sluice::settings
