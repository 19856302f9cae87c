// YAML into the node tree, from yaml-cpp's parser events: no graph is built, so an alias has nothing to expand, and
// depth and number of nodes are bounded while they arrive. yaml-cpp throws; the exceptions end in parse_yaml().
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <unordered_set>

#include "base/json_text.h"
#include "base/settings/document.h"
#include "base/settings/json_scalar.h"

namespace sluice::settings {
namespace {

Mark place(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {static_cast<std::uint32_t>(mark.line) + 1, static_cast<std::uint32_t>(mark.column) + 1};
}

class Builder final : public YAML::EventHandler {
 public:
  Builder(Problems& problems, std::string file) : problems_(problems), file_(std::move(file)) {}

  Node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse(mark, anchor, {});
    put(Node{.mark = place(mark)});
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    problem(mark, "an alias (*name) is not allowed: write the value out");
    put(Node{.mark = place(mark)});
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse(mark, anchor, tag);
    if (value.contains('\0')) problem(mark, "a zero byte is not allowed");
    Node node = Node::scalar(value, tag == "?" ? Node::Style::kPlain : Node::Style::kQuoted);
    node.mark = place(mark);
    put(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    refuse(mark, anchor, tag);
    open(mark, Node::list());
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    refuse(mark, anchor, tag);
    open(mark, Node::map());
  }
  void OnMapEnd() override { close(); }

 private:
  struct Level {
    Node node;
    std::optional<Entry> pending;  // a map's key whose value comes next
    std::unordered_set<std::string> keys;
  };

  void problem(const YAML::Mark& mark, std::string text) { problems_.add(file_, place(mark), {}, std::move(text)); }
  [[noreturn]] static void give_up(const YAML::Mark& mark, const char* text) {
    throw YAML::ParserException(mark, text);
  }

  void refuse(const YAML::Mark& mark, YAML::anchor_t anchor, const std::string& tag) {
    if (anchor != 0) problem(mark, "an anchor (&name) is not allowed");
    if (!tag.empty() && tag != "?" && tag != "!") problem(mark, "a tag (!name) is not allowed");
    if (++nodes_ > Document::kMaxNodes) give_up(mark, "more than 100000 values");
  }
  void open(const YAML::Mark& mark, Node node) {
    if (open_.size() >= Document::kMaxDepth) give_up(mark, "more than 32 levels");
    node.mark = place(mark);
    open_.push_back({.node = std::move(node)});
  }
  void close() {
    Node node = std::move(open_.back().node);
    open_.pop_back();
    put(std::move(node));
  }
  void put(Node node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Level& level = open_.back();
    if (level.node.kind == Node::Kind::kList) {
      level.node.items.push_back(std::move(node));
    } else if (!level.pending) {
      take_key(level, node);
    } else {
      Entry entry = *std::exchange(level.pending, std::nullopt);
      entry.value = std::move(node);
      if (level.keys.insert(entry.key).second) level.node.entries.push_back(std::move(entry));
    }
  }
  void take_key(Level& level, Node& node) {
    if (node.kind != Node::Kind::kScalar) {
      problems_.add(file_, node.mark, {}, node.called() + " is not allowed as a key");
    } else if (level.keys.contains(node.text)) {
      problems_.add(file_, node.mark, {}, "the key " + json_quoted(node.text) + " is there twice");
    }
    level.pending = Entry{.key = std::move(node.text), .mark = node.mark, .value = {}};
  }

  Problems& problems_;
  std::string file_;
  Node root_;
  std::vector<Level> open_;
  std::size_t nodes_ = 0;
};

// The first line that is not UTF-8, or 0. yaml-cpp lets such bytes through, and JSON for another process could not keep
// them.
std::uint32_t line_that_is_not_utf8(std::string_view text) {
  for (std::uint32_t line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (!is_utf8(text.substr(0, end))) return line;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return 0;
}

}  // namespace

Document parse_yaml(std::string_view text, std::string file) {
  Document document{.file = std::move(file)};
  document.root.mark = {1, 1};
  if (text.size() > Document::kMaxBytes) {
    document.problems.add(document.file, {}, {}, "larger than 1 MiB, which no configuration is");
    document.ends_early = true;
    return document;
  }
  if (const std::uint32_t line = line_that_is_not_utf8(text); line != 0) {
    document.problems.add(document.file, {line, 1}, {}, "this line is not UTF-8");
    document.ends_early = true;
    return document;
  }
  Builder builder(document.problems, document.file);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    if (parser.HandleNextDocument(builder)) {
      document.root = builder.take();
      Problems ignored;
      Builder second(ignored, document.file);
      if (parser.HandleNextDocument(second))
        document.problems.add(document.file, {}, {}, "holds more than one YAML document");
    }
  } catch (const YAML::Exception& error) {
    document.problems.add(document.file, place(error.mark), {}, error.msg);
    document.ends_early = true;
  }
  return document;
}

}  // namespace sluice::settings
