// Problems: their one form, and guessing what was meant.
#include "base/settings/problems.h"

#include <gtest/gtest.h>

#include "base/settings/document.h"

namespace sluice::settings {
namespace {

TEST(Problem, SaysPlacePathAndText) {
  EXPECT_EQ((Problem{"f.yaml", {14, 9}, "listeners[0].port", "70000 is not between 1 and 65535"}.line()),
            "f.yaml:14:9: listeners[0].port: 70000 is not between 1 and 65535");
  EXPECT_EQ((Problem{"f.yaml", {}, "", "is too large"}.line()), "f.yaml: is too large");
  EXPECT_EQ((Problem{"", {}, "a.b", "is wrong"}.line()), "a.b: is wrong");
}

TEST(Problems, FindTheirPlaceOrThatOfTheNearestParent) {
  const Document document = parse_yaml("a:\n  - b: 1\n    c: 2\n", "f.yaml");
  Problems problems;
  problems.add("a[0].c", "one");
  problems.add("a[0].missing.deeper", "two");
  problems.add("a[7]", "three");
  problems.locate(document);
  ASSERT_EQ(problems.size(), 3U);
  EXPECT_EQ(problems.all()[0].line(), "f.yaml:3:8: a[0].c: one");
  EXPECT_EQ(problems.all()[1].mark, (Mark{2, 5}));
  EXPECT_EQ(problems.all()[2].mark, (Mark{2, 3}));
}

TEST(Problems, AreBoundedInNumber) {
  Problems problems;
  for (int i = 0; i < 1000; ++i) problems.add("path", "text");
  EXPECT_EQ(problems.size(), Problems::kMost);
  EXPECT_NE(problems.text().find("(there may be more)"), std::string::npos);
}

TEST(Problems, ConcernParentsAndChildrenOfTheirPath) {
  Problems problems;
  problems.add("a.b[0]", "text");
  EXPECT_TRUE(problems.concern("a.b[0]"));
  EXPECT_TRUE(problems.concern("a"));
  EXPECT_TRUE(problems.concern("a.b[0].c"));
  EXPECT_FALSE(problems.concern("a.b[01]"));
  EXPECT_FALSE(problems.concern("a.bc"));
  EXPECT_FALSE(problems.concern("b"));
}

TEST(Nearest, FindsTyposAndSwaps) {
  const std::vector<std::string_view> keys = {"listen", "backlog", "routes", "tls"};
  EXPECT_EQ(nearest("lisen", keys), "listen");
  EXPECT_EQ(nearest("rotues", keys), "routes");
  EXPECT_EQ(nearest("backlogs", keys), "backlog");
  EXPECT_EQ(nearest("tsl", keys), "tls");
}

TEST(Nearest, DoesNotGuessWildly) {
  const std::vector<std::string_view> keys = {"listen", "tls"};
  EXPECT_EQ(nearest("upstreams", keys), "");
  EXPECT_EQ(nearest("xyz", keys), "");
  EXPECT_EQ(nearest(std::string(100'000, 'l'), keys), "");
  EXPECT_EQ(nearest("listen", {}), "");
}

}  // namespace
}  // namespace sluice::settings
