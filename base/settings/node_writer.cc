// See node_writer.h.
#include "base/settings/node_writer.h"

#include "base/settings/rules.h"

namespace sluice::settings {
namespace {

const void* at(const Field& field, const void* object) {
  return static_cast<const char*>(object) + field.offset;
}

void compare(const Node& before, const Node& after, const std::string& path, std::vector<std::string>& out) {
  if (before.kind == Node::Kind::kMap && after.kind == Node::Kind::kMap) {
    const auto inside = [&](const std::string& key) {
      const std::string step = step_of(key);
      return path.empty() || step.front() == '[' ? path + step : path + "." + step;
    };
    for (const Entry& entry : before.entries) {
      const Node* other = after.find(entry.key);
      if (other == nullptr) {
        out.push_back(inside(entry.key));
      } else {
        compare(entry.value, *other, inside(entry.key), out);
      }
    }
    for (const Entry& entry : after.entries)
      if (before.find(entry.key) == nullptr) out.push_back(inside(entry.key));
  } else if (before.kind == Node::Kind::kList && after.kind == Node::Kind::kList &&
             before.items.size() == after.items.size()) {
    for (std::size_t i = 0; i < before.items.size(); ++i)
      compare(before.items[i], after.items[i], path + "[" + std::to_string(i) + "]", out);
  } else if (before != after) {
    out.push_back(path);
  }
}

}  // namespace

Node to_node(const Type& type, const Rules& rules, const void* object, Secrets secrets) {
  switch (type.kind) {
    case Kind::kSection:
      return to_node(type.section(), object, secrets);
    case Kind::kOpaque: {
      const Node& node = *static_cast<const Node*>(object);
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
      const bool hide = rules.secret && secrets == Secrets::kHide && !value.text.empty();
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

std::vector<std::string> differences(const Section& section, const void* before, const void* after) {
  std::vector<std::string> out;
  compare(to_node(section, before, Secrets::kShow), to_node(section, after, Secrets::kShow), {}, out);
  return out;
}

}  // namespace sluice::settings
