// Document: a configuration file as a tree of nodes that know where they stand, before anybody knows what they mean.
//
// YAML 1.2 in its plain part: maps, lists, scalars, comments. Anchors, aliases, tags, several documents in one file and
// duplicate keys are refused: aliases are how small files become large, and none of them helps a reader. JSON is a
// subset. Size, depth and number of nodes are bounded. A node that came from JSON has no place.
//
// A part of a document can be sent to another process with its places (encode, decode), so that the application can
// check its own section and name the line in the file it has never seen.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/settings/problems.h"

namespace sluice::settings {

struct Entry;

struct Node {
  enum class Kind : std::uint8_t { kNull, kScalar, kList, kMap };
  /// A plain scalar (true, 12, 30s) may be read as anything; a quoted one is text, a duration, a size or a choice.
  enum class Style : std::uint8_t { kPlain, kQuoted };

  Kind kind = Kind::kNull;
  Style style = Style::kPlain;
  Mark mark;
  std::string text;            ///< of a scalar
  std::vector<Node> items;     ///< of a list
  std::vector<Entry> entries;  ///< of a map, in the order of the file

  static Node scalar(std::string text, Style style);
  static Node list();
  static Node map();

  [[nodiscard]] const Node* find(std::string_view key) const;
  /// Appends to a map; the key must be new.
  Node& add(std::string key, Node value);
  /// "a list", "the text \"x\"", "12": what a message calls it, short.
  [[nodiscard]] std::string called() const;

  /// Means the same: places do not count, nor quotes around what could be nothing but text.
  bool operator==(const Node& other) const;
};

struct Entry {
  std::string key;
  Mark mark;
  Node value;
  bool operator==(const Entry& other) const;
};

class Document {
 public:
  static constexpr std::size_t kMaxBytes = std::size_t{1} << 20U;
  static constexpr std::size_t kMaxDepth = 32;
  static constexpr std::size_t kMaxNodes = 100'000;

  std::string file;  ///< name for messages
  std::string path;  ///< where the root stands in the file: empty, or "tenants[0].settings"
  Node root;
  /// What is wrong with the form of the file; reading adds what is wrong with the content. If the file is not YAML at
  /// all, it ends in the middle, and only this counts.
  Problems problems;
  bool ends_early = false;

  /// The place of a path such as "tenants[0].name", or of its nearest parent that exists.
  [[nodiscard]] Mark locate(std::string_view path) const;
  /// The node at a path as a document of its own that remembers where it came from; a null root if there is none.
  [[nodiscard]] Document part(std::string_view path) const;

  /// One line of JSON that carries the places, for decode() in another process.
  [[nodiscard]] std::string encode() const;
  /// Errors: kBadSyntax.
  [[nodiscard]] static Result<Document> decode(std::string_view text);
};

/// Reads YAML (or JSON) text; `file` is the name for messages. Problems of form are in the document.
[[nodiscard]] Document parse_yaml(std::string_view text, std::string file);

/// JSON without places; numbers keep their spelling. Errors: kBadSyntax, also for duplicate keys and too much depth.
[[nodiscard]] Result<Node> parse_json(std::string_view text);
enum class JsonLayout : std::uint8_t { kOneLine, kIndented };
/// Plain scalars that JSON knows (numbers, true, false) are written as such, others as strings.
[[nodiscard]] std::string to_json(const Node& node, JsonLayout layout = JsonLayout::kOneLine);

}  // namespace sluice::settings
