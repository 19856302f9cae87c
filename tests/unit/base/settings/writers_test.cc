// Writers: the commented file and the schema against golden files; the wire form; what differs.
// SLUICE_UPDATE_GOLDEN=1 writes the golden files anew; look at the difference before you commit it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/settings/yaml_writer.h"
#include "tests/unit/base/settings/demo.h"

namespace sluice::settings {
namespace {

void expect_golden(const std::string& name, const std::string& text) {
  const std::string path = "tests/golden/" + name;
  if (std::getenv("SLUICE_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << text;
  std::ifstream file(path);
  ASSERT_TRUE(file) << path;
  std::stringstream golden;
  golden << file.rdbuf();
  EXPECT_EQ(text, golden.str()) << "if this is wanted: SLUICE_UPDATE_GOLDEN=1";
}

Demo sample() {
  Demo demo;
  demo.title = "yes";
  demo.names = {{"a b", {"1"}}, {"plain", {}}};
  demo.items = {{.name = "first"}, {.name = "second", .weight = 0.25}};
  return demo;
}

Demo reread(const std::string& yaml) {
  std::expected<Demo, Problems> demo = read<Demo>(parse_yaml(yaml, "written.yaml"));
  EXPECT_TRUE(demo) << demo.error().text() << yaml;
  return demo ? *demo : Demo{};
}

TEST(YamlWriter, WritesTheManual) {
  expect_golden("settings_demo.yaml", to_yaml(sample(), {.heading = "A demonstration.\n\nIn two paragraphs."}));
}

TEST(YamlWriter, WritesWhatLoadsAsItIs) {
  EXPECT_EQ(differences(reread(to_yaml(sample())), sample()), std::vector<std::string>());
  EXPECT_EQ(differences(reread(to_yaml(Demo{})), Demo{}), std::vector<std::string>());
}

TEST(YamlWriter, KeepsEveryTextWhatItIs) {
  for (const char* text : {"",
                           "true",
                           "null",
                           "~",
                           "12",
                           "0x1",
                           "1e3",
                           "yes",
                           "No",
                           "- a",
                           "a: b",
                           "#",
                           "a #b",
                           "\"",
                           "'",
                           "\\",
                           "\n",
                           " a ",
                           "\t",
                           "*x",
                           "&x",
                           "!x",
                           "%",
                           "@",
                           "`",
                           "{",
                           "[",
                           "\x01\x7f",
                           "\u00e4\u2028\U0001F600",
                           "30s",
                           ".",
                           "2020-01-01"}) {
    Demo demo;
    demo.title = text;
    demo.hosts = {};
    demo.names = {{text, {text, "x"}}};
    EXPECT_EQ(reread(to_yaml(demo)).title, text);
    EXPECT_EQ(reread(to_yaml(demo)).names, demo.names);
    EXPECT_EQ(from_json<Demo>(to_json(demo)).value().title, text);
  }
}

TEST(YamlWriter, ShowsOptionsOfAnEmptyListAsAComment) {
  const std::string yaml = to_yaml(Demo{});
  EXPECT_NE(yaml.find("items: []\n#   # What it is called.\n"), std::string::npos) << yaml;
  EXPECT_NE(yaml.find("#   - name: \"\"\n"), std::string::npos);
  EXPECT_NE(yaml.find("#     weight: 0.5\n"), std::string::npos);
}

TEST(YamlWriter, PutsTheApplicationsTextInPlace) {
  const std::string yaml = to_yaml(Demo{}, {.opaque = {{"extra", to_yaml(Inner{})}}});
  EXPECT_NE(yaml.find("extra:\n  # How deep.\n"), std::string::npos) << yaml;
  EXPECT_EQ(reread(yaml).extra.find("depth")->text, "3");
}

TEST(YamlWriter, IndentsAsAWhole) {
  std::istringstream lines(to_yaml(Inner{}, {.depth = 3}));
  for (std::string line; std::getline(lines, line);) EXPECT_TRUE(line.empty() || line.starts_with("      ")) << line;
}

TEST(SchemaWriter, WritesTheSchema) {
  expect_golden("settings_demo.schema.json",
                schema<Demo>({.title = "Demonstration", .opaque = {{"extra", schema<Inner>({.title = "Inner"})}}}));
}

TEST(Wire, CarriesEverythingWithSecrets) {
  Demo demo = sample();
  demo.password = "hush";
  demo.extra = parse_yaml("{a: 1.10, b: \"1.10\", c: [true, \"true\", ~]}", "f").root;
  const Result<Demo> there = from_json<Demo>(to_json(demo));
  ASSERT_TRUE(there) << there.error().message();
  EXPECT_EQ(differences(demo, *there), std::vector<std::string>());
  EXPECT_EQ(there->password, "hush");
}

TEST(Wire, RefusesWhatIsNotTheSettings) {
  EXPECT_FALSE(from_json<Demo>("{"));
  const Result<Demo> wrong = from_json<Demo>(R"({"offset": 99, "what": 1})");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().what(), "offset: 99 is not between -10 and 10\nwhat: unknown key\n");
}

TEST(Shown, HidesSecrets) {
  Demo demo;
  EXPECT_NE(shown(demo).find("\"password\": \"\""), std::string::npos) << "that there is none is no secret";
  demo.password = "hush";
  EXPECT_EQ(shown(demo).find("hush"), std::string::npos);
  EXPECT_NE(shown(demo).find("<secret>"), std::string::npos);
}

TEST(Differences, NameThePaths) {
  Demo before = sample();
  Demo after = sample();
  EXPECT_EQ(differences(before, after), std::vector<std::string>());
  after.wait = 1s;
  after.password = "new";
  after.inner.ports.push_back(80);
  after.items[1].weight = 1;
  after.names["new.one"] = {};
  EXPECT_EQ(differences(before, after),
            (std::vector<std::string>{"password", "wait", "names[\"new.one\"]", "inner.ports", "items[1].weight"}));
}

TEST(Changes, ShowBothValuesAndNoSecret) {
  Demo before = sample();
  Demo after = sample();
  after.wait = 1s;
  before.password = "hush";
  after.password = "hushhush";
  after.names["new.one"] = {};
  const std::vector<Change> found = changes(before, after);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].path, "password");
  EXPECT_EQ(found[0].before, "\"<secret>\"");
  EXPECT_EQ(found[0].after, "\"<secret>\"");
  EXPECT_EQ(found[1].after, "\"1s\"");
  EXPECT_EQ(found[2].path, "names[\"new.one\"]");
  EXPECT_FALSE(found[2].before.has_value());
  EXPECT_TRUE(found[2].after.has_value());
}

TEST(Changes, OfSomebodyElsesSectionAreNamedAndNotShown) {
  Demo before = sample();
  Demo after = sample();
  before.extra = Node::map();
  before.extra.add("token", Node::scalar("hush", Node::Style::kQuoted));
  after.extra = Node::map();
  after.extra.add("token", Node::scalar("hushhush", Node::Style::kQuoted));
  const std::vector<Change> found = changes(before, after);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_TRUE(found[0].path.ends_with(".token")) << found[0].path;
  EXPECT_EQ(found[0].before, "\"<application>\"");
  EXPECT_EQ(found[0].after, "\"<application>\"");
}

TEST(Choice, HasAName) {
  EXPECT_EQ(name_of(Fruit::kApple), "apple");
}

}  // namespace
}  // namespace sluice::settings
