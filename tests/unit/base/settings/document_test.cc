// Documents: what of YAML is taken and refused, places, bounds, and the way to another process.
#include "base/settings/document.h"

#include <gtest/gtest.h>

namespace sluice::settings {
namespace {

Document parsed(std::string_view text) {
  Document document = parse_yaml(text, "f.yaml");
  EXPECT_TRUE(document.problems.empty()) << document.problems.text();
  return document;
}

std::string problems_of(std::string_view text) {
  return parse_yaml(text, "f.yaml").problems.text();
}

TEST(Yaml, KnowsKindsStylesAndPlaces) {
  const Document document = parsed("# comment\na: 12\nb:\n  - \"12\"\n  - ~\nc: {d: text}\n");
  ASSERT_EQ(document.root.kind, Node::Kind::kMap);
  const Node* a = document.root.find("a");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(a->style, Node::Style::kPlain);
  EXPECT_EQ(a->mark, (Mark{2, 4}));
  const Node* b = document.root.find("b");
  ASSERT_NE(b, nullptr);
  ASSERT_EQ(b->items.size(), 2U);
  EXPECT_EQ(b->items[0].style, Node::Style::kQuoted);
  EXPECT_EQ(b->items[0].mark, (Mark{4, 5}));
  EXPECT_EQ(b->items[1].kind, Node::Kind::kNull);
  EXPECT_EQ(document.locate("c.d"), (Mark{6, 8}));
  EXPECT_EQ(document.root.find("nothing"), nullptr);
}

TEST(Yaml, AnEmptyFileIsNothingAtTheFirstLine) {
  for (const char* text : {"", "\n\n", "# only a comment\n"}) {
    const Document document = parsed(text);
    EXPECT_EQ(document.root.kind, Node::Kind::kNull);
    EXPECT_EQ(document.root.mark, (Mark{1, 1}));
  }
}

TEST(Yaml, TakesJson) {
  const Document document = parsed(R"({"a": [1, true, null, "x\ny"], "b": {"c": 1e3}})");
  EXPECT_EQ(to_json(document.root), R"({"a":[1,true,null,"x\ny"],"b":{"c":1e3}})");
}

TEST(Yaml, RefusesDuplicateKeysWhereverTheyAre) {
  EXPECT_EQ(problems_of("a: 1\nb: {c: 1, c: 2}\na: 3\n"),
            "f.yaml:2:11: the key \"c\" is there twice\nf.yaml:3:1: the key \"a\" is there twice\n");
}

TEST(Yaml, RefusesAnchorsAliasesAndTags) {
  EXPECT_EQ(problems_of("a: &x 1\nb: *x\n"),
            "f.yaml:1:4: an anchor (&name) is not allowed\nf.yaml:2:4: an alias (*name) is not allowed: write the "
            "value out\n");
  EXPECT_EQ(problems_of("a: !!str 1\n"), "f.yaml:1:4: a tag (!name) is not allowed\n");
  EXPECT_EQ(problems_of("a: !own [1]\n"), "f.yaml:1:4: a tag (!name) is not allowed\n");
}

TEST(Yaml, ABombIsRefusedBeforeItGrows) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 30; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int j = 0; j < 9; ++j) bomb += ", " + before;
    bomb += "]\n";
  }
  const Document document = parse_yaml(bomb, "f.yaml");
  EXPECT_EQ(document.problems.size(), Problems::kMost);
}

TEST(Yaml, RefusesMoreThanOneDocument) {
  EXPECT_EQ(problems_of("a: 1\n---\nb: 2\n"), "f.yaml: holds more than one YAML document\n");
}

TEST(Yaml, RefusesKeysThatAreNotScalars) {
  EXPECT_EQ(problems_of("{[a]: 1}\n"), "f.yaml:1:2: a list is not allowed as a key\n");
  EXPECT_EQ(problems_of("? {a: 1}\n: 2\n"), "f.yaml:1:3: a section is not allowed as a key\n");
}

TEST(Yaml, RefusesZeroBytes) {
  EXPECT_EQ(problems_of("a: \"x\\0y\"\n"), "f.yaml:1:4: a zero byte is not allowed\n");
}

TEST(Yaml, RefusesWhatIsNotUtf8) {
  EXPECT_EQ(problems_of("a: 1\nb: \xa7\n"), "f.yaml:2:1: this line is not UTF-8\n");
  EXPECT_EQ(problems_of(std::string_view("\xff\xfe\x61\x00", 4)), "f.yaml:1:1: this line is not UTF-8\n");
  EXPECT_EQ(problems_of("a: \u00a7\n"), "");
}

TEST(Yaml, SaysWhereTheSyntaxEnds) {
  const Document document = parse_yaml("a: [1,\nb: }\n", "f.yaml");
  EXPECT_TRUE(document.ends_early);
  ASSERT_EQ(document.problems.size(), 1U);
  EXPECT_GT(document.problems.all()[0].mark.line, 0U);
}

TEST(Yaml, IsBoundedInDepthSizeAndNumber) {
  EXPECT_TRUE(parse_yaml(std::string(100'000, '['), "f").ends_early);
  EXPECT_TRUE(parse_yaml("a: " + std::string(33, '[') + std::string(33, ']'), "f").ends_early);
  EXPECT_FALSE(parse_yaml("a: " + std::string(30, '[') + std::string(30, ']'), "f").ends_early);
  EXPECT_TRUE(parse_yaml(std::string(Document::kMaxBytes + 1, ' '), "f").ends_early);
  std::string many = "[";
  for (std::size_t i = 0; i < Document::kMaxNodes; ++i) many += "1,";
  EXPECT_TRUE(parse_yaml(many + "1]", "f").ends_early);
}

TEST(Document, GoesToAnotherProcessWithItsPlaces) {
  const Document document = parsed("a:\n  settings:\n    list: [1, \"2\", ~]\n    \"dotted.key\": {b: text}\n");
  const Document part = document.part("a.settings");
  EXPECT_EQ(part.path, "a.settings");
  const Result<Document> there = Document::decode(part.encode());
  ASSERT_TRUE(there) << there.error().message();
  EXPECT_EQ(there->file, "f.yaml");
  EXPECT_EQ(there->path, "a.settings");
  EXPECT_EQ(there->root, part.root);
  EXPECT_EQ(there->root.mark, (Mark{3, 5}));
  EXPECT_EQ(there->locate("list[1]"), (Mark{3, 15}));
  EXPECT_EQ(there->locate("[\"dotted.key\"].b"), (Mark{4, 23}));
}

TEST(Document, AMissingPartStandsWhereItsParentDoes) {
  const Document part = parsed("a:\n  b: 1\n").part("a.settings");
  EXPECT_EQ(part.root.kind, Node::Kind::kNull);
  EXPECT_EQ(part.root.mark, (Mark{2, 3}));
}

TEST(Document, TheDeepestOneStillGoesThrough) {
  std::string text = "x";
  for (std::size_t i = 0; i < Document::kMaxDepth; ++i) text = "{a: " + text + "}";
  const Document document = parsed(text);
  const Result<Document> there = Document::decode(document.encode());
  ASSERT_TRUE(there) << there.error().message();
  EXPECT_EQ(there->root, document.root);
}

TEST(Document, DecodesNothingElse) {
  for (const char* text : {"", "{}", "[]", "[\"f\",\"\",[\"map\",1,1]]", "[\"f\",\"\",[\"what\",\"1\",1,[]]]",
                           "[\"f\",\"\",[\"list\",1,1,\"x\"]]",
                           "[\"f\",\"\",[\"map\",1,1,[[\"a\",1,1,[\"null\",1,1,[]]],[\"a\",1,1,[\"null\",1,1,[]]]]]]",
                           "[\"f\",\"\",[\"plain\",1,-1,\"x\"]]", "[\"f\",\"\",[\"plain\",1,99999999999,\"x\"]]"})
    EXPECT_FALSE(Document::decode(text)) << text;
}

TEST(Json, KeepsTheSpellingOfNumbers) {
  const Result<Node> node = parse_json(R"([1.10, 10000000000000000000000, -1, 1E5, 0.30000000000000000001])");
  ASSERT_TRUE(node);
  EXPECT_EQ(to_json(*node), R"([1.10,10000000000000000000000,-1,1E5,0.30000000000000000001])");
}

TEST(Json, RefusesDuplicateKeysDepthAndNonsense) {
  EXPECT_FALSE(parse_json(R"({"a":1,"a":2})"));
  EXPECT_FALSE(parse_json(std::string(100'000, '[')));
  for (const char* text : {"", "{", "nul", "[1,]", "{} x", "\"\xff\""}) EXPECT_FALSE(parse_json(text)) << text;
}

TEST(Json, IndentsForPeople) {
  EXPECT_EQ(to_json(parse_json(R"({"a":[1,{}],"b":[]})").value(), JsonLayout::kIndented),
            "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}");
}

TEST(Node, EqualityIgnoresPlacesAndQuotesThatDoNotMatter) {
  EXPECT_EQ(parsed("a: x").root, parsed("\n\na:   \"x\"").root);
  EXPECT_FALSE(parsed("a: 1").root == parsed("a: \"1\"").root);
  EXPECT_FALSE(parsed("a: true").root == parsed("a: \"true\"").root);
  EXPECT_FALSE(parsed("a: x").root == parsed("b: x").root);
}

}  // namespace
}  // namespace sluice::settings
