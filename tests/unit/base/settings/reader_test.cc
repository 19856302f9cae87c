// Reading: every kind of value, every way to get it wrong, all of it said at once and in the right place.
#include "base/settings/reader.h"

#include <gtest/gtest.h>

#include "tests/unit/base/settings/demo.h"

namespace sluice::settings {
namespace {

// [complete] is false for a struct that forgets a field
struct Forgetful {
  bool named = false;
  std::vector<std::string> forgotten;
  static constexpr std::string_view about = "Forgets a field.";
  static constexpr void describe(auto& f) { f(&Forgetful::named, "named", "Is there."); }
};
static_assert(!complete<Forgetful>(), "a field that describe() does not name must be noticed");

std::expected<Demo, Problems> read_text(std::string_view text) {
  return read<Demo>(parse_yaml(text, "f.yaml"));
}

Demo good(std::string_view text) {
  std::expected<Demo, Problems> demo = read_text(text);
  EXPECT_TRUE(demo) << demo.error().text();
  return demo ? *demo : Demo{};
}
std::string faults(std::string_view text) {
  const std::expected<Demo, Problems> demo = read_text(text);
  return demo ? "(none)" : demo.error().text();
}

TEST(Reader, NothingMeansDefaults) {
  for (const char* text : {"", "{}", "inner:\n", "inner: {}\nextra:\n"})
    EXPECT_EQ(differences(good(text), Demo{}), std::vector<std::string>()) << text;
}

TEST(Reader, ReadsEveryKindOfValue) {
  const Demo demo = good(R"(
enabled: false
offset: -7
title: 12 apples
word: abcd
password: "1234"
wait: 2m
room: 1MiB
fruit: apple
hosts: [c.example]
names: {x: ["1", 2], "y.z": []}
inner: {depth: 9, ports: [80, 8080]}
items:
  - {name: one, weight: 1, wait: 0}
  - {name: two}
extra: {anything: [1, {b: 2}]}
)");
  EXPECT_FALSE(demo.enabled);
  EXPECT_EQ(demo.offset, -7);
  EXPECT_EQ(demo.title, "12 apples");
  EXPECT_EQ(demo.word, "abcd");
  EXPECT_EQ(demo.password, "1234");
  EXPECT_EQ(demo.wait, 2min);
  EXPECT_EQ(demo.room, Size::mib(1));
  EXPECT_EQ(demo.fruit, Fruit::kApple);
  EXPECT_EQ(demo.hosts, std::vector<std::string>{"c.example"});
  EXPECT_EQ(demo.names, (std::map<std::string, std::vector<std::string>>{{"x", {"1", "2"}}, {"y.z", {}}}));
  EXPECT_EQ(demo.inner.ports, (std::vector<std::uint16_t>{80, 8080}));
  ASSERT_EQ(demo.items.size(), 2U);
  EXPECT_EQ(demo.items[0].weight, 1.0);
  EXPECT_EQ(demo.items[0].shared.wait, 0ms);
  EXPECT_EQ(demo.items[1].shared.wait, 5s);
  ASSERT_NE(demo.extra.find("anything"), nullptr);
  EXPECT_EQ(demo.extra.find("anything")->items[1].find("b")->text, "2");
}

TEST(Reader, SaysAllProblemsAtOnceInTheOrderOfTheFile) {
  EXPECT_EQ(faults("enabld: true\noffset: 99\ninner:\n  depht: 1\n  ports: [0, 443, 70000]\nwait: soon\nwait: 1s\n"),
            "f.yaml:1:1: enabld: unknown key; did you mean \"enabled\"?\n"
            "f.yaml:2:9: offset: 99 is not between -10 and 10\n"
            "f.yaml:4:3: inner.depht: unknown key; did you mean \"depth\"?\n"
            "f.yaml:5:11: inner.ports[0]: 0 is not between 1 and 65535\n"
            "f.yaml:5:19: inner.ports[2]: 70000 is not between 1 and 65535\n"
            "f.yaml:6:7: wait: soon is not a duration such as 250ms, 30s, 2m or 1h\n"
            "f.yaml:7:1: the key \"wait\" is there twice\n");
}

struct Wrong {
  const char* text;
  const char* fault;
};
class WrongValue : public testing::TestWithParam<Wrong> {};
TEST_P(WrongValue, IsSaidWithWhatWasExpected) {
  EXPECT_EQ(faults(GetParam().text), std::string("f.yaml:") + GetParam().fault + "\n");
}
INSTANTIATE_TEST_SUITE_P(
    Reader, WrongValue,
    testing::Values(
        Wrong{"enabled: yes", "1:10: enabled: yes is not true or false"},
        Wrong{"enabled: \"true\"", "1:10: enabled: \"true\" is not true or false"},
        Wrong{"offset: \"1\"", "1:9: offset: \"1\" is not a whole number"},
        Wrong{"offset: 1.5", "1:9: offset: 1.5 is not a whole number"},
        Wrong{"offset: 0x10", "1:9: offset: 0x10 is not a whole number"},
        Wrong{"offset: 99999999999999999999", "1:9: offset: 99999999999999999999 is not between -10 and 10"},
        Wrong{"offset: []", "1:9: offset: a list is not a whole number from -10 to 10"},
        Wrong{"offset:", "1:1: offset: has no value; expected a whole number from -10 to 10"},
        Wrong{"title: true", "1:8: title: true is not a text; if it should be one, put it in quotes"},
        Wrong{"title: {}", "1:8: title: a section is not a text"},
        Wrong{"word: abc", "1:7: word: abc has an odd number of letters"},
        Wrong{"password: abc", "1:11: password: the value has an odd number of letters"},
        Wrong{"wait: 30", "1:7: wait: 30 has no unit: write a duration such as 250ms, 30s, 2m or 1h"},
        Wrong{"wait: 1ms", "1:7: wait: 1ms is neither 0 (off) nor between 1s and 1h"},
        Wrong{"room: 1B", "1:7: room: 1B is less than 1KiB"},
        Wrong{"room: 64KB", "1:7: room: 64KB is not a size such as 512B, 64KiB, 1MiB or 10GiB"},
        Wrong{"fruit: aple", "1:8: fruit: aple is not one of apple, quince; did you mean \"apple\"?"},
        Wrong{"fruit: [apple]", "1:8: fruit: a list is not one of apple, quince"},
        Wrong{"hosts: [d.example]",
              "1:9: hosts[0]: d.example is not one of a.example, b.example, c.example; did you mean \"a.example\"?"},
        Wrong{"hosts: a.example", "1:8: hosts: a.example is not a list ([a, b], or one \"- \" line for each)"},
        Wrong{"hosts:", "1:1: hosts: has no value; an empty list is []"},
        Wrong{"names: ~", "1:8: names: has no value; an empty map is {}"},
        Wrong{"names: [x]", "1:8: names: a list is not a map (\"key: value\" lines)"},
        Wrong{"names: {\"y.z\": x}", "1:16: names[\"y.z\"]: x is not a list ([a, b], or one \"- \" line for each)"},
        Wrong{"inner: 1", "1:8: inner: 1 is not a section (\"key: value\" lines)"},
        Wrong{"items: [{name: \"\"}]", "1:16: items[0].name: \"\" must not be empty"},
        Wrong{"items: [{name: a, weight: .nan}]", "1:27: items[0].weight: .nan is not a number"},
        Wrong{"items: [{name: a, weight: 1.5}]", "1:27: items[0].weight: 1.5 is not between 0.0 and 1.0"},
        Wrong{"extra: [1]", "1:8: extra: a list is not a section"},
        Wrong{"[]", "1:1: a list is not a section (\"key: value\" lines)"},
        Wrong{"zzzzzz: 1", "1:1: zzzzzz: unknown key"}));

TEST(Reader, ChecksBetweenFieldsAreLocatedToo) {
  EXPECT_EQ(faults("inner: {depth: 7}\nitems:\n  - name: a\n  - name: b\n  - name: c\n"),
            "f.yaml:1:16: inner.depth: 7 is not for those who are enabled\n"
            "f.yaml:5:5: items[2]: is one too many\n");
}

TEST(Reader, SaysNothingTwiceAboutWhatCouldNotBeRead) {
  EXPECT_EQ(faults("inner: {depth: 70}\nitems: [{name: a}, {name: b}, {name: \"\"}]\n"),
            "f.yaml:1:16: inner.depth: 70 is not between 1 and 9\n"
            "f.yaml:2:38: items[2].name: \"\" must not be empty\n");
}

TEST(Reader, NamesFileAndWholePathInAnotherProcess) {
  const Document whole = parse_yaml("tenants:\n  - settings:\n      offset: 99\n      inner: {depth: 7}\n", "f.yaml");
  const Result<Document> part = Document::decode(whole.part("tenants[0].settings").encode());
  ASSERT_TRUE(part);
  const std::expected<Demo, Problems> demo = read<Demo>(*part);
  ASSERT_FALSE(demo);
  EXPECT_EQ(demo.error().text(),
            "f.yaml:3:15: tenants[0].settings.offset: 99 is not between -10 and 10\n"
            "f.yaml:4:22: tenants[0].settings.inner.depth: 7 is not for those who are enabled\n");
}

TEST(Reader, HidesWhatATerminalWouldActOn) {
  const std::string text = faults("offset: \"\\e[2J\"\n");
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
}

TEST(Reader, BoundsWhatItRepeats) {
  EXPECT_LT(faults("offset: " + std::string(100'000, 'x')).size(), 300U);
}

}  // namespace
}  // namespace sluice::settings
