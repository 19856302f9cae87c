// See node_writer.h.
#include "base/settings/node_writer.h"

#include "base/settings/rules.h"

namespace sluice::settings {
namespace {

const void* at(const Field& field, const void* object) {
  return static_cast<const char*>(object) + field.offset;
}

// A node, and what may be shown of it: where a part is hidden as a whole, that stands for everything inside.
struct Shown {
  const Node* node;
  const Node* face;

  [[nodiscard]] Shown inside(const Node& child, const Node* child_face) const {
    return {.node = &child, .face = child_face != nullptr ? child_face : face};
  }
  [[nodiscard]] Shown at(const std::string& key) const {
    const Node* child = node->find(key);
    return child == nullptr ? Shown{.node = nullptr, .face = nullptr} : inside(*child, face->find(key));
  }
  [[nodiscard]] Shown at(std::size_t index) const {
    return inside(node->items[index], index < face->items.size() ? &face->items[index] : nullptr);
  }
  [[nodiscard]] std::optional<std::string> text() const {
    return node == nullptr ? std::nullopt : std::optional(to_json(*face));
  }
};

class Comparison {
 public:
  [[nodiscard]] std::vector<Change> take() { return std::move(out_); }

  void compare(const Shown& before, const Shown& after, const std::string& path) {
    if (before.node == nullptr || after.node == nullptr) {
      add(before, after, path);
    } else if (before.node->kind == Node::Kind::kMap && after.node->kind == Node::Kind::kMap) {
      for (const Entry& entry : before.node->entries)
        compare(before.at(entry.key), after.at(entry.key), inside(path, entry.key));
      for (const Entry& entry : after.node->entries)
        if (before.node->find(entry.key) == nullptr)
          add(before.at(entry.key), after.at(entry.key), inside(path, entry.key));
    } else if (before.node->kind == Node::Kind::kList && after.node->kind == Node::Kind::kList &&
               before.node->items.size() == after.node->items.size()) {
      for (std::size_t i = 0; i < before.node->items.size(); ++i)
        compare(before.at(i), after.at(i), path + "[" + std::to_string(i) + "]");
    } else if (*before.node != *after.node) {
      add(before, after, path);
    }
  }

 private:
  static std::string inside(const std::string& path, const std::string& key) {
    const std::string step = step_of(key);
    return path.empty() || step.front() == '[' ? path + step : path + "." + step;
  }
  void add(const Shown& before, const Shown& after, const std::string& path) {
    out_.push_back({.path = path, .before = before.text(), .after = after.text()});
  }

  std::vector<Change> out_;
};

}  // namespace

Node to_node(const Type& type, const Rules& rules, const void* object, Secrets secrets) {
  switch (type.kind) {
    case Kind::kSection:
      return to_node(type.section(), object, secrets);
    case Kind::kOpaque: {
      const Node& node = *static_cast<const Node*>(object);
      const bool empty = node.items.empty() && node.entries.empty();
      if (secrets == Secrets::kHideOpaque && !empty) return Node::scalar("<application>", Node::Style::kQuoted);
      return node.kind == Node::Kind::kNull ? Node::map() : node;
    }
    case Kind::kList: {
      Node out = Node::list();
      type.each(object, [&](std::string_view, const void* element) {
        out.items.push_back(to_node(*type.element, rules, element, secrets));
      });
      return out;
    }
    case Kind::kMap: {
      Node out = Node::map();
      type.each(object, [&](std::string_view key, const void* element) {
        out.entries.push_back({std::string(key), {}, to_node(*type.element, rules, element, secrets)});
      });
      return out;
    }
    case Kind::kBool:
    case Kind::kInteger:
    case Kind::kReal:
      return Node::scalar(text_of(type, type.get(object)), Node::Style::kPlain);
    default: {
      const Value value = type.get(object);
      const bool hide = rules.secret && secrets != Secrets::kShow && !value.text.empty();
      return Node::scalar(hide ? "<secret>" : text_of(type, value), Node::Style::kQuoted);
    }
  }
}

Node to_node(const Section& section, const void* object, Secrets secrets) {
  Node out = Node::map();
  for (const Field& field : section.fields)
    out.add(std::string(field.name), to_node(*field.type, field.rules, at(field, object), secrets));
  return out;
}

bool same(const Type& type, const void* one, const void* other) {
  return to_node(type, {}, one, Secrets::kShow) == to_node(type, {}, other, Secrets::kShow);
}

std::vector<Change> changes(const Section& section, const void* before, const void* after) {
  const Node old_node = to_node(section, before, Secrets::kShow);
  const Node new_node = to_node(section, after, Secrets::kShow);
  const Node old_face = to_node(section, before, Secrets::kHideOpaque);
  const Node new_face = to_node(section, after, Secrets::kHideOpaque);
  Comparison comparison;
  comparison.compare({.node = &old_node, .face = &old_face}, {.node = &new_node, .face = &new_face}, {});
  return comparison.take();
}

std::vector<std::string> differences(const Section& section, const void* before, const void* after) {
  std::vector<std::string> paths;
  for (Change& change : changes(section, before, after)) paths.push_back(std::move(change.path));
  return paths;
}

}  // namespace sluice::settings
