// JSON in and out of the node tree. nlohmann's event parser is used, not its tree: it keeps the spelling of numbers,
// and depth and duplicate keys are seen while they arrive. Nothing here throws.
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "base/json_text.h"
#include "base/settings/document.h"
#include "base/settings/json_scalar.h"

namespace sluice::settings {
namespace {

// An encoded document nests three lists for each level of the original.
constexpr std::size_t kMaxJsonDepth = 4 * Document::kMaxDepth;

class Builder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  Node root;
  std::string trouble;

  bool null() override { return put({}); }
  bool boolean(bool value) override { return put(Node::scalar(value ? "true" : "false", Node::Style::kPlain)); }
  bool number_integer(std::int64_t value) override { return put(plain(std::to_string(value))); }
  bool number_unsigned(std::uint64_t value) override { return put(plain(std::to_string(value))); }
  bool number_float(double /*value*/, const std::string& spelling) override { return put(plain(spelling)); }
  bool string(std::string& value) override { return put(Node::scalar(std::move(value), Node::Style::kQuoted)); }
  bool binary(nlohmann::json::binary_t& /*value*/) override { return give_up("binary value"); }
  bool start_object(std::size_t /*size*/) override { return open(Node::map()); }
  bool start_array(std::size_t /*size*/) override { return open(Node::list()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(std::string& name) override {
    if (!open_.back().keys.insert(name).second) return give_up("duplicate key " + json_quoted(name));
    open_.back().key = std::move(name);
    return true;
  }
  bool parse_error(std::size_t position, const std::string& /*token*/, const nlohmann::detail::exception&) override {
    return give_up("not JSON at byte " + std::to_string(position));
  }

 private:
  struct Level {
    Node node;
    std::string key;
    std::unordered_set<std::string> keys;
  };

  static Node plain(std::string text) { return Node::scalar(std::move(text), Node::Style::kPlain); }
  bool give_up(std::string why) {
    if (trouble.empty()) trouble = std::move(why);
    return false;
  }
  bool put(Node node) {
    if (open_.empty()) {
      root = std::move(node);
    } else if (Level& level = open_.back(); level.node.kind == Node::Kind::kMap) {
      level.node.entries.push_back({std::move(level.key), {}, std::move(node)});
    } else {
      level.node.items.push_back(std::move(node));
    }
    return true;
  }
  bool open(Node node) {
    if (open_.size() >= kMaxJsonDepth) return give_up("too deep");
    open_.push_back({.node = std::move(node)});
    return true;
  }
  bool close() {
    Node node = std::move(open_.back().node);
    open_.pop_back();
    return put(std::move(node));
  }

  std::vector<Level> open_;
};

void print(const Node& node, std::string& out, JsonLayout layout, std::size_t depth) {
  const auto line_break = [&](std::size_t level) {
    if (layout == JsonLayout::kIndented) out.append("\n").append(2 * level, ' ');
  };
  const auto group = [&](const auto& members, char begin, char end, const auto& print_one) {
    out += begin;
    for (const auto& member : members) {
      if (&member != members.data()) out += ',';
      line_break(depth + 1);
      print_one(member);
    }
    if (!members.empty()) line_break(depth);
    out += end;
  };
  switch (node.kind) {
    case Node::Kind::kNull:
      out += "null";
      break;
    case Node::Kind::kScalar:
      out += node.style == Node::Style::kPlain && is_json_literal(node.text) ? node.text : json_quoted(node.text);
      break;
    case Node::Kind::kList:
      group(node.items, '[', ']', [&](const Node& item) { print(item, out, layout, depth + 1); });
      break;
    case Node::Kind::kMap:
      group(node.entries, '{', '}', [&](const Entry& entry) {
        out += json_quoted(entry.key) + (layout == JsonLayout::kIndented ? ": " : ":");
        print(entry.value, out, layout, depth + 1);
      });
      break;
  }
}

}  // namespace

Result<Node> parse_json(std::string_view text) {
  Builder builder;
  if (!nlohmann::json::sax_parse(text, &builder) || !builder.trouble.empty())
    return fail(Code::kBadSyntax, builder.trouble.empty() ? "not JSON" : std::move(builder.trouble));
  return std::move(builder.root);
}

std::string to_json(const Node& node, JsonLayout layout) {
  std::string out;
  print(node, out, layout, 0);
  return out;
}

std::string json_quoted(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

bool is_json_literal(std::string_view text) {
  if (text == "true" || text == "false") return true;
  // RFC 8259 section 6: [-] int [frac] [exp], no leading zeros
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t start = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    return at - start;
  };
  if (at < text.size() && text[at] == '-') ++at;
  const bool zero_first = at < text.size() && text[at] == '0';
  const std::size_t whole = digits();
  if (whole == 0 || (zero_first && whole > 1)) return false;
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (digits() == 0) return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (digits() == 0) return false;
  }
  return at == text.size();
}

}  // namespace sluice::settings
