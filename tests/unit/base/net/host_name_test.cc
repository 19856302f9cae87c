// Host names: what is the same name to DNS, and what is not.
#include "base/net/host_name.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(HostName, IsTheSameInEveryCaseAndWithTheDotOfTheRoot) {
  EXPECT_TRUE(same_name("example.org", "EXAMPLE.Org."));
  EXPECT_EQ(canonical_name("EXAMPLE.Org."), "example.org");
  EXPECT_EQ(without_root("example.org."), "example.org");
}

TEST(HostName, IsAnotherWithAnythingElseChanged) {
  EXPECT_FALSE(same_name("example.org", "example.org.."));
  EXPECT_FALSE(same_name("example.org", ".example.org"));
  EXPECT_FALSE(same_name("example.org", "example.orh"));
  // '@' and '`', '[' and '{' differ by the bit of the case and are no letters
  EXPECT_FALSE(same_name("a@", "a`"));
  EXPECT_FALSE(same_name("a[", "a{"));
}

TEST(HostName, MayBeEmpty) {
  EXPECT_EQ(canonical_name(""), "");
  EXPECT_EQ(without_root("."), "");
  EXPECT_TRUE(same_name(".", ""));
}

}  // namespace
}  // namespace sluice
